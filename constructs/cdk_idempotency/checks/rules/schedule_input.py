"""Schedules whose runs are one request, or whose attempts are several.

Fires when: A recurring schedule (an EventBridge rule, EventBridge Scheduler) gives a function a
constant input, and the whole payload, or a part of that input, is its key: all runs within
`expires_after` are one request, and one of them takes effect. Or the whole payload is the key, and
an input of EventBridge Scheduler has `<aws.scheduler.execution-id>` or
`<aws.scheduler.attempt-number>`, which are new for each attempt: no retry is recognized.
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
from ..model.schedules import attempts_as_input, constant_schedules
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    schedules = deployment.tree.view(constant_schedules)
    attempts = deployment.tree.view(attempts_as_input)
    for attached in deployment.attached:
        settings = attached.settings
        key = "@" if settings.key is None else settings.key
        whole = key == "@"
        for schedule in schedules.get(attached.name, ()):
            rare = schedule.every is not None and schedule.every > settings.expires_after
            if not rare and (whole or schedule.selects(key)):
                what = "the whole payload" if whole else f"its part {key!r}"
                yield Violation(
                    schedule.resource,
                    f"it gives {attached.name} the same input at each run, and {what} is the key, "
                    f"so of all runs within {in_words(settings.expires_after)} one takes effect. "
                    "Put the scheduled time into the input (EventField.time, or "
                    "<aws.scheduler.scheduled-time>), or leave the input of a rule out. If the "
                    "code names its key, pass it as key=... to attach() too.",
                )
        for resource in attempts.get(attached.name, ()) if whole else ():
            yield Violation(
                resource,
                f"its input for {attached.name} is new at each attempt, and the whole payload is "
                "the key, so a retry takes effect again. Put <aws.scheduler.scheduled-time> into "
                "the input, and pass key=... with its path to attach().",
            )
