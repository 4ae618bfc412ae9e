"""One idempotent operation: from an identity to the protocol's outcome, and to the caller's answer.

What is called under it, a handler or a function, is the affair of `handlers` and `functions`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..clients.net import deadline
from ..drivers.sync import drive
from ..errors import (
    FingerprintMismatchError,
    IdempotencyError,
    InProgressError,
    ParkedError,
    StoreError,
)
from ..identity.keys import Identity
from ..metrics.emf import MetricsSource
from ..protocol.machine import Protocol, run_once
from ..protocol.record import Record, Store
from ..protocol.steps import (
    Call,
    CommitFailed,
    Executed,
    InProgress,
    LeaseLost,
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
from ..response import body as bodies
from ..response import serialization
from ..response.body import ResponseBody
from .attempt import Attempt, TimeLeft
from .commits import Writes, failure
from .orphans import OnOrphan
from .replays import OnReplay, Replay

if TYPE_CHECKING:
    from ..response.offload import Objects

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
    on_orphan: OnOrphan | None = None
    on_replay: OnReplay | None = None
    objects: Objects | None = None
    metrics: MetricsSource | None = None

    def run_once(
        self,
        identity: Identity,
        time_left: TimeLeft | None,
        run: Callable[[Run | Reconcile], Returned | None],
        *,
        scope: str | None = None,
    ) -> Outcome:
        """One call, to its outcome. `time_left` is the invocation's, where it is known."""
        call, left = self._begin(identity, time_left, scope)
        body = ResponseBody(call, max_data=self.store.max_data, objects=self.objects)
        outcome = drive(
            run_once(call),
            key=identity.key,
            store=self.store,
            run=lambda step: body.packed(run(step)),
            remaining=left,
            finish=None if self.objects is None else body.offloaded,
        )
        return outcome if self.objects is None else deadline.limited(body.fetched, left)(outcome)

    async def run_once_async(
        self,
        identity: Identity,
        time_left: TimeLeft | None,
        run: Callable[[Run | Reconcile], Awaitable[Returned | None]],
        *,
        scope: str | None = None,
    ) -> Outcome:
        """As `run_once`, on the running event loop."""
        from ..drivers import aio as async_driver  # asyncio is imported by those who use it

        call, left = self._begin(identity, time_left, scope)
        body = ResponseBody(call, max_data=self.store.max_data, objects=self.objects)

        async def packed(step: Run | Reconcile) -> Returned | None:
            return body.packed(await run(step))

        outcome = await async_driver.drive(
            run_once(call),
            key=identity.key,
            store=self.store,
            run=packed,
            remaining=left,
            finish=None if self.objects is None else body.offloaded,
        )
        if self.objects is None or not isinstance(outcome, Replayed):
            return outcome
        return await async_driver.in_thread(deadline.limited(body.fetched, left), outcome)

    def fetched(self, record: Record) -> Record:
        """The record with its body. Raises `StoreError`."""
        return bodies.fetched(record, self.objects)

    def restored(
        self, record: Record, restore: Callable[[Record], Any] = serialization.from_stored
    ) -> Any:
        """The result that a duplicate gets; `restore` makes it of the record."""
        result = restore(record)
        if self.on_replay is None:
            return result
        changed = self.on_replay(result, Replay(record.key, record.attempt, record.expiration))
        return result if changed is None else changed

    def attempt(self, key: str, step: Run | Reconcile) -> Attempt:
        """The attempt that a step starts, under the record `key`."""
        return Attempt(key, step.attempt, Writes.into(self.store))

    def begin(
        self, identity: Identity, time_left: TimeLeft | None, *, scope: str | None = None
    ) -> Begun:
        """A call that a driver is about to run; its lease is measured from now."""
        call, left = self._begin(identity, time_left, scope)
        return Begun(run_once(call), left)

    def _begin(
        self, identity: Identity, time_left: TimeLeft | None, scope: str | None
    ) -> tuple[Call, TimeLeft]:
        left, lease = self._times(time_left)
        return self._call(identity, left(), lease, scope), left

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
            reconciles=self.on_orphan is not None,
        )


def with_writes(stored: Returned, attempt: Attempt) -> Returned:
    """What is recorded, and what the attempt has registered to be written with it."""
    writes = () if attempt.writes is None else attempt.writes.taken()
    return stored._replace(writes=writes) if writes else stored


def answer(outcome: Outcome, restore: Callable[[Record], Any]) -> Any:
    """What the caller gets; `restore` makes a result of a record, as `Operation.restored` does."""
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
    if isinstance(outcome, (CommitFailed, LeaseLost)):
        raise failure(outcome)
    assert isinstance(outcome, Unavailable)
    if isinstance(outcome.error, IdempotencyError):
        raise outcome.error
    raise StoreError(f"The store failed: {type(outcome.error).__name__}.") from outcome.error
