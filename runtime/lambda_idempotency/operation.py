"""One idempotent operation: from an identity to the protocol's outcome, and to the caller's answer.

What is called under it, a handler or a function, is the affair of `handlers` and `functions`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from . import responses
from .attempt import TimeLeft
from .drivers import drive
from .errors import (
    FingerprintMismatchError,
    IdempotencyError,
    InProgressError,
    ParkedError,
    StoreError,
)
from .keys import Identity
from .protocol import Protocol, run_once
from .record import Record, Store
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

LEASE_MARGIN: Final = 2000
"""Milliseconds by which a lease outlasts its invocation; clocks may differ by half of it."""

DEFAULT_LEASE: Final = 15 * 60 * 1000
"""Milliseconds, where nothing tells how long a call may run: Lambda's longest timeout."""


class Begun(NamedTuple):
    """The protocol of one call; `remaining` tells the milliseconds that are left for it."""

    protocol: Protocol
    remaining: TimeLeft


class Operation(NamedTuple):
    """Where its records are and how its calls are protected. Durations in milliseconds."""

    store: Store
    expires_after: int
    lease: int | None
    wait: bool
    wait_timeout: int | None
    max_attempts: int | None
    bypass_missing_key: bool
    fail_open: bool

    def run_once(
        self,
        identity: Identity,
        time_left: TimeLeft | None,
        run: Callable[[Run | Reconcile], Returned | None],
        *,
        scope: str | None = None,
    ) -> Outcome:
        """One call, to its outcome. `time_left` is the invocation's, where it is known."""
        begun = self.begin(identity, time_left, scope=scope)
        return drive(
            begun.protocol,
            key=identity.key,
            store=self.store,
            run=run,
            remaining=begun.remaining,
        )

    async def run_once_async(
        self,
        identity: Identity,
        time_left: TimeLeft | None,
        run: Callable[[Run | Reconcile], Awaitable[Returned | None]],
        *,
        scope: str | None = None,
    ) -> Outcome:
        """As `run_once`, on the running event loop."""
        from . import async_driver  # asyncio is imported by those who use it

        begun = self.begin(identity, time_left, scope=scope)
        return await async_driver.drive(
            begun.protocol,
            key=identity.key,
            store=self.store,
            run=run,
            remaining=begun.remaining,
        )

    def begin(
        self, identity: Identity, time_left: TimeLeft | None, *, scope: str | None = None
    ) -> Begun:
        """A call that a driver is about to run; its lease is measured from now."""
        left, lease = self._times(time_left)
        return Begun(run_once(self._call(identity, left(), lease, scope)), left)

    def _times(self, time_left: TimeLeft | None) -> tuple[TimeLeft, int]:
        """How to tell the milliseconds that are left for the call, and its lease."""
        if time_left is not None:
            return time_left, max(time_left() + LEASE_MARGIN, self.lease or 0)
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


def answer(outcome: Outcome, restore: Callable[[Record], Any] = responses.from_stored) -> Any:
    """What the caller gets; `restore` makes a result of a record."""
    if isinstance(outcome, Executed):
        return outcome.result
    if isinstance(outcome, Replayed):
        return restore(outcome.record)
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
