"""Wrapped durable functions that are to wait for another execution's answer.

Fires when: A durable function has `on_in_progress="wait"` and `wrap_handler=True`. The wrapper is
above `@durable_execution`, where nothing can suspend the execution: each would fail.
What to do: Put `@idempotent` below `@durable_execution` in the code, in place of `wrap_handler`, or
leave `on_in_progress` out.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached in deployment.attached:
        settings = attached.settings
        is_durable = settings.execution_timeout is not None
        if is_durable and settings.handler is not None and settings.on_in_progress == "wait":
            yield Violation(
                attached.function,
                "with on_in_progress='wait', an execution is suspended while it waits, which "
                "wrap_handler=True cannot do from above @durable_execution. Leave wrap_handler out "
                "and put @idempotent below @durable_execution, or use 'raise'.",
            )
