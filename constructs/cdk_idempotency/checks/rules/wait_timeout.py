"""A duplicate that waits is told the outcome before its function's time is over.

Lambda ends an invocation at its timeout, without an answer
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.finding import Finding, warning


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above. Without a `wait_timeout` half of the time that is left is waited for."""
    for attached in deployment.attached:
        settings = attached.settings
        timeout = deployment.timeout(attached)
        if settings.on_in_progress != "wait" or settings.wait_timeout is None:
            continue
        if timeout is not None and settings.wait_timeout >= timeout:
            yield warning(
                "wait-timeout",
                attached.function,
                f"A duplicate waits up to {settings.wait_timeout:g} seconds (wait_timeout), and "
                f"Lambda ends the function after {timeout:g}, so that it times out instead of "
                "saying that the request is in progress. Pass a shorter wait_timeout, or leave it "
                "out: half of the time that is left.",
            )
