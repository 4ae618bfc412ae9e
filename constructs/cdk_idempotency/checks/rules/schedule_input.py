"""Schedules whose runs are one request.

Fires when: A recurring schedule (an EventBridge rule, EventBridge Scheduler) gives a function a
constant input, and the whole payload is its key: all runs within `expires_after` are one request,
and one of them takes effect.
What to do: Put the scheduled time into the input, and make it the key. Where the code names the
key, tell it in `key` too.

A rule's constant input replaces the event, with its id and time
(https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html); EventBridge Scheduler
sends the input as it is
(https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.durations import in_words
from ..model.schedules import constant_schedules
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    schedules = deployment.tree.view(constant_schedules)
    for attached in deployment.attached:
        settings = attached.settings
        if settings.key not in (None, "@"):
            continue
        for schedule in schedules.get(attached.name, ()):
            if schedule.every is None or schedule.every <= settings.expires_after:
                yield Violation(
                    schedule.resource,
                    f"it gives {attached.name} the same input at each run, and the whole payload "
                    f"is the key, so of all runs within {in_words(settings.expires_after)} one "
                    "takes effect. Put the scheduled time into the input (EventField.time, or "
                    "<aws.scheduler.scheduled-time>), or leave the input of a rule out. If the "
                    "code names its key, pass it as key=... to attach() too.",
                )
