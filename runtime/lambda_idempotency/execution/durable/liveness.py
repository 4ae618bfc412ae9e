"""The liveness of durable executions: Lambda is asked, at most once in 5 s for each.

https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecution.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Literal, Protocol

from ...clients.aws.client import ServiceError
from ...errors import ConfigurationError
from ...metrics.reporting import WARNING, log
from ...tuples import NamedTuple

KEPT_S: Final = 5.0
"""Seconds for which an execution's state is known."""

_MOST: Final = 100
"""The most executions whose state is known at a time."""

State = Literal["running", "failed", "died", "lost", "succeeded", "unknown"]

_STATES: Final[dict[str, State]] = {
    "RUNNING": "running",
    "PAUSING": "running",
    "PAUSED": "running",
    "FAILED": "failed",
    "STOPPED": "died",
    "TIMED_OUT": "died",
    "DELETING": "lost",
    "SUCCEEDED": "succeeded",
}

_DENIED: Final = ("AccessDenied", "AccessDeniedException")


class Report(NamedTuple):
    """The state of an execution. `until`: when it times out, in epoch milliseconds, if known.
    `result` is JSON text, of one that succeeded; None: it cannot be read."""

    state: State
    until: int | None = None
    result: str | None = None


class Asks(Protocol):
    """A client for GetDurableExecution."""

    def get_durable_execution(self, arn: str, *, data: bool) -> dict[str, Any]:
        """Return the response. Raises `ServiceError`."""
        ...


class Liveness:
    """What is known of executions. `client` makes the client when the first one is asked for."""

    def __init__(
        self, client: Callable[[], Asks], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = client
        self._client: Asks | None = None
        self._clock = clock
        self._known: dict[str, tuple[float, Report]] = {}

    def examine(self, arn: str) -> Report:
        """Return an execution's state. Never raises."""
        now = self._clock()
        if (known := self._known.get(arn)) is not None and now - known[0] < KEPT_S:
            return known[1]
        report = self._asked(arn)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[arn] = now, report
        return report

    def _asked(self, arn: str) -> Report:
        try:
            if self._client is None:
                self._client = self._make()
            found = self._client.get_durable_execution(arn, data=False)
            if found.get("Status") == "SUCCEEDED":
                found = self._client.get_durable_execution(arn, data=True)
        except ServiceError as error:
            return _refused(arn, error)
        except (ConfigurationError, OSError) as error:
            return _unknown(arn, str(error))
        status = found.get("Status")
        state = _STATES.get(status) if isinstance(status, str) else None
        if state is None:
            known = ", ".join(_STATES)
            return _unknown(arn, f"its status is {status!r}; known are {known}")
        result = found.get("Result")
        until = found.get("ExpectedExecutionTimeoutTimestamp")
        return Report(
            state,
            int(until * 1000) if isinstance(until, int | float) else None,
            result if isinstance(result, str) else None,
        )


def _refused(arn: str, error: ServiceError) -> Report:
    code = error.response["Error"]["Code"]
    if code == "ResourceNotFoundException":
        return Report("lost")
    if code in _DENIED:
        return _unknown(arn, "the function lacks the right lambda:GetDurableExecution on it")
    return _unknown(arn, str(error))


def _unknown(arn: str, why: str) -> Report:
    log(
        WARNING,
        "What has become of the durable execution %s is unknown: %s. Its key stays claimed until "
        "its lease ends.",
        arn,
        why,
    )
    return Report("unknown")
