"""One idempotent operation: from an event to the protocol's outcome, and to the caller's answer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import CoroutineType
from typing import Any, Final, NamedTuple, TypeAlias

from . import responses
from .attempt import RUNNING, Attempt
from .drivers import drive
from .errors import (
    ConfigurationError,
    FingerprintMismatchError,
    IdempotencyError,
    InProgressError,
    MissingKeyError,
    ParkedError,
    StoreError,
)
from .events import batch_source, http_shape
from .http_options import HttpOptions
from .keys import Identity, KeyAbsentError, KeyRule
from .metrics import report
from .protocol import run_once
from .record import Store
from .steps import (
    Call,
    Executed,
    InProgress,
    Mismatch,
    Outcome,
    Parked,
    Raised,
    Reconcile,
    Replayed,
    Returned,
    Run,
    Unavailable,
)

Handler: TypeAlias = Callable[[Any, Any], Any]

ToStored: TypeAlias = Callable[..., Returned]
"""What of a result is recorded; takes the result and `max_data`, and never raises."""

LEASE_MARGIN: Final = 2000
"""Milliseconds by which a lease outlasts its invocation; clocks may differ by half of it."""

DEFAULT_LEASE: Final = 15 * 60 * 1000
"""Milliseconds, where nothing tells how long a call may run: Lambda's longest timeout."""


class Operation(NamedTuple):
    """One decorated handler. Durations in milliseconds."""

    rule: KeyRule
    store: Store
    expires_after: int
    lease: int | None
    wait: bool
    wait_timeout: int | None
    max_attempts: int | None
    bypass_missing_key: bool
    fail_open: bool
    http: HttpOptions | None = None

    def call(self, function: Handler, event: Any, context: Any) -> Any:
        """Runs the function, or answers for it."""
        if (source := batch_source(event)) is not None:
            raise ConfigurationError(
                f"@idempotent was given a batch of {source} records. A redelivered batch is never "
                "the same payload; make the handling of each record idempotent instead."
            )
        if self.http is not None and (shape := http_shape(event)) is not None:
            return self._serve(shape, function, event, context)
        try:
            identity = self.rule.identify(event)
        except MissingKeyError as error:
            report("MissingKey", None)
            if self.bypass_missing_key and isinstance(error, KeyAbsentError):
                return run_unprotected(function, event, context)
            raise
        return _answer(self._run_once(identity, function, event, context))

    def _serve(self, shape: str, function: Handler, event: Any, context: Any) -> Any:
        """The response to an HTTP request."""
        from .http import mode  # only where there is HTTP to serve

        assert self.http is not None

        operation = mode.Operation(
            rule=self.rule,
            bypass_missing_key=self.bypass_missing_key,
            run=lambda: run_unprotected(function, event, context),
            run_once=lambda identity, scope, to_stored: self._run_once(
                identity, function, event, context, scope=scope, to_stored=to_stored
            ),
            read=self.store.read,
        )
        return mode.mode_of(self.http).serve(shape, event, operation)

    def _run_once(
        self,
        identity: Identity,
        function: Handler,
        event: Any,
        context: Any,
        *,
        scope: str | None = None,
        to_stored: ToStored = responses.to_stored,
    ) -> Outcome:
        def run(step: Run | Reconcile) -> Returned:
            result = _run_as(Attempt(identity.key, step.attempt), function, event, context)
            return to_stored(result, max_data=self.store.max_data)

        left, lease = self._times(context)
        return drive(
            run_once(self._call(identity, left(), lease, scope)),
            key=identity.key,
            store=self.store,
            run=run,
            remaining=left,
        )

    def _times(self, context: Any) -> tuple[Callable[[], int], int]:
        """How to tell the milliseconds that are left for the call, and its lease."""
        ask: Callable[[], int] | None = getattr(context, "get_remaining_time_in_millis", None)
        if ask is not None:
            return ask, max(ask() + LEASE_MARGIN, self.lease or 0)
        lease = DEFAULT_LEASE if self.lease is None else self.lease
        ends = time.monotonic() + lease / 1000
        return lambda: int((ends - time.monotonic()) * 1000), lease

    def _call(self, identity: Identity, left: int, lease: int, scope: str | None) -> Call:
        wait = 0
        if self.wait:
            wait = left // 2 if self.wait_timeout is None else min(self.wait_timeout, left)
        return Call(
            key=identity.key,
            owner=os.urandom(16).hex(),
            lease=lease,
            expires_after=self.expires_after,
            fingerprint=identity.fingerprint,
            scope=scope,
            wait=wait,
            max_attempts=self.max_attempts,
            fail_open=self.fail_open,
        )


def run_unprotected(function: Handler, event: Any, context: Any) -> Any:
    """Runs the function without a record; `current()` works, with a key of this call alone."""
    return _run_as(Attempt(f"unprotected#{os.urandom(16).hex()}", 1), function, event, context)


def _run_as(attempt: Attempt, function: Handler, event: Any, context: Any) -> Any:
    token = RUNNING.set(attempt)
    try:
        result = function(event, context)
    finally:
        RUNNING.reset(token)
    if isinstance(result, CoroutineType):
        result.close()
        raise ConfigurationError(
            "@idempotent: the handler returned a coroutine that nobody would await. Apply it to "
            "the `async def` itself, under its other decorators."
        )
    return result


def _answer(outcome: Outcome) -> Any:
    """What the caller of the handler gets."""
    if isinstance(outcome, Executed):
        return outcome.result
    if isinstance(outcome, Replayed):
        return responses.from_stored(outcome.record)
    if isinstance(outcome, Raised):
        raise outcome.error
    if isinstance(outcome, InProgress):
        rest = max(outcome.record.lease_end - outcome.now, 0) / 1000
        raise InProgressError(
            f"Another attempt under record {outcome.record.key} is in progress; retry later. "
            f"It may hold the key for {rest:.1f} s more.",
            retry_after=rest,
        )
    if isinstance(outcome, Mismatch):
        raise FingerprintMismatchError(
            f"Record {outcome.record.key} belongs to a request with the same key and another "
            "payload. Send a new request under a new key."
        )
    if isinstance(outcome, Parked):
        raise ParkedError(
            f"Record {outcome.key} is parked: {outcome.attempts} attempts died without an answer. "
            "Find out whether the effect happened, then delete the record to let it run again."
        )
    assert isinstance(outcome, Unavailable)
    if isinstance(outcome.error, IdempotencyError):
        raise outcome.error
    raise StoreError(f"The store failed: {type(outcome.error).__name__}.") from outcome.error
