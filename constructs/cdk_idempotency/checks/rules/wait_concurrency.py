"""Duplicates that wait, and fill a function's reserved concurrency.

Fires when: `on_in_progress="wait"` with a reserved concurrency of 1 to 3: one request and its
retries fill the function, and with 1 a duplicate can only wait for an attempt that is dead.
What to do: Reserve more, or use `raise`.

Each duplicate that waits occupies an execution environment, and with reserved concurrency there are
only so many (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html). One
request and the two retries that asynchronous invocations and the AWS SDKs make by default fill
three.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..model.deployment import Deployment
from ..model.leases import is_multi_concurrent
from ..rule import Violation, warning

FILLED: Final = 3
"""Environments that one request and its retries may occupy."""


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    # Without reserved concurrency there are as many environments as the account has.
    for attached in deployment.attached:
        properties = deployment.properties(attached)
        reserved = properties.get("reservedConcurrentExecutions")
        waits = attached.settings.on_in_progress == "wait"
        if not waits or not isinstance(reserved, int) or not 1 <= reserved <= FILLED:
            continue
        if is_multi_concurrent(deployment, attached):  # a waiter leaves room beside it
            continue
        if attached.settings.execution_timeout is not None:  # it is suspended while it waits
            continue
        if reserved == 1:
            why = (
                "a duplicate that waits holds the only environment, so it can wait only for dead "
                "attempts, and all other requests are throttled meanwhile"
            )
        else:
            why = (
                f"{reserved} duplicates that wait hold all environments, and all other requests "
                "are throttled meanwhile"
            )
        yield Violation(
            attached.function,
            f"With on_in_progress='wait' and a reserved concurrency of {reserved}, {why}. Reserve "
            "more, or use 'raise'.",
        )
