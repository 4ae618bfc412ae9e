"""Duplicates that wait for longer than their function may run.

Fires when: `on_in_progress="wait"` with a `wait_timeout` that is not shorter than the function's
timeout, or a durable one's execution timeout: Lambda ends it while it waits.
What to do: A shorter one, or none: half of the time that is left.

Lambda ends an invocation at its timeout, without an answer
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    # Without a `wait_timeout` a duplicate waits for half of the time that is left.
    for attached in deployment.attached:
        settings = attached.settings
        timeout = deployment.duration(attached)
        if settings.on_in_progress != "wait" or settings.wait_timeout is None:
            continue
        if timeout is not None and settings.wait_timeout >= timeout:
            yield Violation(
                attached.function,
                f"A duplicate waits up to {settings.wait_timeout:g} seconds (wait_timeout), and "
                f"Lambda ends it after {timeout:g}, so it times out instead of "
                "saying that the request is in progress. Pass a shorter wait_timeout, or leave it "
                "out: half of the time that is left.",
            )
