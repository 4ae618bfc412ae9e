"""What a durable execution adds to a call: its owner and lease, and what its ends mean."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from ...errors import ConfigurationError, StoreError
from ...identity.keys import digest
from ...protocol.executions import MARGIN_MS
from ...protocol.steps import Call, Returned
from ...tuples import NamedTuple
from . import envelope, inside
from .liveness import Liveness, Report

REFUSAL: Final = (
    "a durable execution outlives this invocation. Use its own steps: context.step(...)"
)
"""The reason why an attempt that is a durable execution has no `commit_with` and no `step`."""


class Execution(NamedTuple):
    """The durable execution that a call is, or is a step of. `lease_ms` None: the call's own."""

    owner: str
    arn: str | None = None
    lease_ms: int | None = None
    resumed: bool = False

    def taking(self, call: Call) -> Call:
        """Return a call as this execution's. One that is suspended does not wait, nor renew."""
        call = call._replace(owner=self.owner, reenters=True)
        if self.arn is None or self.lease_ms is None:
            return call
        return call._replace(
            lease_ms=self.lease_ms,
            renews=False,
            wait_ms=0,
            execution=self.arn,
            resumed=self.resumed,
        )


class Ends(Protocol):
    """What the ends of an invocation mean for its execution."""

    def suspends(self, error: BaseException) -> bool:
        """Tell whether the execution goes on in a later invocation, though this one raised."""
        ...

    def recorded(self, result: Any, record: Callable[[Any], Returned]) -> Returned:
        """Return the recorded form of a result, and what it means for the record."""
        ...

    def result_in(self, text: str) -> Any:
        """Return the result that stands for the one, in JSON text, of another execution."""
        ...

    def examine(self, arn: str) -> Report:
        """Ask what has become of another execution."""
        ...


class OutsideEnds(NamedTuple):
    """The ends of a function that `@durable_execution` has made."""

    liveness: Liveness

    def suspends(self, _: BaseException) -> bool:
        """Return True: Lambda invokes it again."""
        return True

    def recorded(self, result: Any, _: Callable[[Any], Returned]) -> Returned:
        """Return what the answer's status means."""
        return envelope.recorded(result)

    def result_in(self, text: str) -> Any:
        """Return the answer with this result."""
        return envelope.succeeded(text)

    def examine(self, arn: str) -> Report:
        """Ask what has become of another execution."""
        return self.liveness.examine(arn)


class InsideEnds(NamedTuple):
    """The ends of a handler that gets a durable context."""

    sdk: inside.Sdk
    context: Any
    liveness: Liveness

    def suspends(self, error: BaseException) -> bool:
        """Tell whether the SDK answers PENDING, or raises, as it does for a store that fails."""
        is_retried = isinstance(error, StoreError) or self.sdk.is_retried(error)
        return is_retried or inside.is_revoked(self.context)

    def recorded(self, result: Any, record: Callable[[Any], Returned]) -> Returned:
        """Return the result's recorded form; none where the SDK will fail to write it as JSON, and
        the execution with it."""
        try:
            json.dumps(result)
        except Exception:  # noqa: BLE001 - the SDK meets the same error, and tells it
            return Returned(result, keep=False)
        return record(result)

    def result_in(self, text: str) -> Any:
        """Return the result."""
        return json.loads(text)

    def examine(self, arn: str) -> Report:
        """Ask what has become of another execution."""
        return self.liveness.examine(arn)


def owner_of(*names: str) -> str:
    """Return the owner that an execution, or an operation of one, has in each invocation."""
    return digest((b"execution", *(name.encode() for name in names)))[:32]


def execution_of(
    arn: str, *, started: int | None, resumed: bool, timeout_ms: int | None
) -> Execution:
    """Return an execution. Its lease ends when Lambda has ended it. Raises `ConfigurationError`
    without a timeout: nobody can renew a lease while the execution is suspended."""
    if timeout_ms is None:
        raise ConfigurationError(
            "@idempotent: execution_timeout is missing; expected the ExecutionTimeout of the "
            "function's DurableConfig, for so long a durable execution may hold its key. "
            "Idempotency.attach() tells it (IDEMPOTENCY_EXECUTION_TIMEOUT); without the construct "
            "pass execution_timeout=..."
        )
    now = int(time.time() * 1000)
    began = now if started is None else min(started, now)
    lease_ms = max(began + timeout_ms + MARGIN_MS - now, MARGIN_MS)
    return Execution(owner_of(arn), arn, lease_ms, resumed)
