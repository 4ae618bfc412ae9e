"""Duplicates that wait leave a function room to work.

Each of them occupies an execution environment, and with reserved concurrency there are only so
many (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html). One request and
the two retries that asynchronous invocations and the AWS SDKs make by default fill three.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..model.deployment import Deployment
from ..model.finding import Finding, warning

FILLED: Final = 3
"""Environments that one request and its retries may occupy."""


def check(deployment: Deployment) -> Iterator[Finding]:
    """Without reserved concurrency there are as many as the account has: no finding."""
    for attached in deployment.attached:
        properties = deployment.tree.properties(attached.resource)
        reserved = properties.get("reservedConcurrentExecutions")
        waits = attached.settings.on_in_progress == "wait"
        if not waits or not isinstance(reserved, int) or not 1 <= reserved <= FILLED:
            continue
        if reserved == 1:
            why = (
                "a duplicate that waits holds the only environment, so that it can wait for dead "
                "attempts alone, and all other requests are throttled meanwhile"
            )
        else:
            why = (
                f"{reserved} duplicates that wait hold all environments, and all other requests "
                "are throttled meanwhile"
            )
        yield warning(
            "wait-concurrency",
            attached.function,
            f"With on_in_progress='wait' and a reserved concurrency of {reserved}, {why}. Reserve "
            "more, or use 'raise'.",
        )
