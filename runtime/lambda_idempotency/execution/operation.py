"""One idempotent operation: the place of its records, and the protection of its calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..clients.net import deadline
from ..clients.net.waiting import BLOCKING, run
from ..contract.lease import LONGEST_MS, effective_lease_ms, has_heartbeat
from ..drivers import sync
from ..errors import MissingKeyError, StoreError
from ..identity.keys import Identity, KeyAbsentError
from ..metrics.emf import MetricsSource
from ..metrics.reporting import WARNING, log, report
from ..protocol.record import Record, Reply
from ..protocol.steps import Call, Outcome, Replayed, Unavailable
from ..response import body as bodies
from ..response import serialization
from ..response.keeping import Keeping
from ..stores.base import Store, about
from ..tuples import NamedTuple
from .call import ActiveCall
from .hooks import OnInterrupted, OnReplay, Replay
from .invocation_scope import TimeLeft
from .target import Target

if TYPE_CHECKING:
    from ..response.data_keys import DataKey, DataKeys

A = TypeVar("A")
R = TypeVar("R")


class Operation(NamedTuple):
    """The settings shared by all calls of one decorated handler or function. `enforced`: Lambda
    kills the process at the timeout."""

    store: Store
    expires_after_ms: int
    lease_ms: int | None
    wait: bool
    wait_timeout_ms: int | None
    max_attempts: int | None
    bypass_missing_key: bool
    fail_open: bool
    on_replay: OnReplay | None = None
    on_interrupted: OnInterrupted | None = None
    keeping: Keeping = Keeping()
    metrics: MetricsSource | None = None
    timeout_ms: int | None = None
    heartbeat: bool | None = None
    execution_timeout_ms: int | None = None
    enforced: bool = False

    def call(self, identity: Identity, target: Target) -> Outcome:
        """Run a call to its outcome."""
        data_key = None
        if self.keeping.keys is not None:
            try:
                data_key = self.hold(identity.key, target.time_left)
            except StoreError as error:
                return Unavailable(error)
        active = self.begin(identity, target, data_key=data_key)
        outcome = sync.drive(
            active.protocol,
            key=identity.key,
            store=self.store,
            run=active.run,
            remaining=active.remaining,
            finish=None if self.keeping.objects is None else active.body.offloaded,
            renewed=active,
            examine=active.examine,
        )
        if not self.keeping.is_remote:
            return outcome
        return deadline.limited(active.body.fetched, active.remaining)(outcome)

    async def call_async(self, identity: Identity, target: Target) -> Outcome:
        """Run a call to its outcome on the running event loop, as `call` does."""
        from ..drivers import aio  # only async calls pay for asyncio's import

        try:
            data_key = await self._hold_async(identity.key, target.time_left)
        except StoreError as error:
            return Unavailable(error)
        active = self.begin(identity, target, data_key=data_key)
        outcome = await aio.drive(
            active.protocol,
            key=identity.key,
            store=self.store,
            run=active.run_async,
            remaining=active.remaining,
            finish=None if self.keeping.objects is None else active.body.offloaded,
            renewed=active,
            examine=active.examine,
        )
        if not self.keeping.is_remote or not isinstance(outcome, Replayed):
            return outcome
        fetched = deadline.limited(active.body.fetched, active.remaining)
        return await aio.in_thread(fetched, outcome)

    def begin(
        self, identity: Identity, target: Target, *, data_key: DataKey | None = None
    ) -> ActiveCall:
        """Return a call for a driver to run at once: its lease is measured from now. `data_key` is
        what `hold` has returned."""
        remaining, lease, renews = self._times(target.time_left)
        call = Call(
            identity.key,
            os.urandom(16).hex(),
            lease,
            self.expires_after_ms,
            identity.fingerprint,
            identity.scope,
            self._wait(remaining()) if self.wait else 0,
            self.max_attempts,
            self.fail_open,
            target.reconcile is not None,
            renews,
        )
        return ActiveCall(
            call if target.execution is None else target.execution.taking(call),
            target,
            self,
            data_key,
            remaining,
        )

    def hold(self, key: str | None, time_left: TimeLeft | None) -> DataKey | None:
        """Return the data key for what a call keeps, before it claims; `key` None: what a batch
        keeps. None where nothing is encrypted, and with `fail_open` where KMS fails. Raises
        `StoreError`."""
        keys = self.keeping.keys
        if keys is None:
            return None
        try:
            return _within(time_left, _held)(keys)
        except StoreError as error:
            return self._without_key(key, error)

    async def _hold_async(self, key: str, time_left: TimeLeft | None) -> DataKey | None:
        """Do as `hold` does, on the running event loop."""
        keys = self.keeping.keys
        if keys is None:
            return None
        from ..clients.net.aio import AIO

        token = None if time_left is None else deadline.start(time_left())
        try:
            return await keys.hold(AIO)
        except StoreError as error:
            return self._without_key(key, error)
        finally:
            if token is not None:
                deadline.end(token)

    def _without_key(self, key: str | None, error: StoreError) -> None:
        """Let a call run that cannot keep its answer, if `fail_open` says so. Raises the error
        otherwise."""
        report("StoreError", key, error)
        if not self.fail_open:
            raise error
        log(
            WARNING,
            "%s: %s. It runs all the same (fail_open), and nothing is kept of its answer or its "
            "steps' results.",
            "the batch" if key is None else key,
            error,
        )

    def identify(self, find: Callable[[], Identity]) -> Identity | None:
        """Return the identity that `find` finds. None: there is no key, and the call runs anyway.

        Raises `MissingKeyError`, and what the user's key expression raises.
        """
        try:
            return find()
        except MissingKeyError as error:
            report("MissingKey", None)
            if self.bypass_missing_key and isinstance(error, KeyAbsentError):
                return None
            raise

    def read(self, key: str, time_left: TimeLeft | None) -> Reply:
        """Read a record within the time that the invocation has left."""
        return about(key, _within(time_left, self.store.read)(key), self.store)

    def restored(
        self, record: Record, restore: Callable[[Record], Any] = serialization.from_stored
    ) -> Any:
        """Return the result that a duplicate gets; `restore` derives it from the record."""
        result = restore(record)
        if self.on_replay is None:
            return result
        changed = self.on_replay(result, Replay(record.key, record.attempt, record.expiration))
        return result if changed is None else changed

    def fetched(self, record: Record, time_left: TimeLeft | None) -> Record:
        """Return the record with its body. Raises `StoreError`."""

        def fetch(found: Record) -> Record:
            return bodies.fetched(found, self.keeping)

        return _within(time_left, fetch)(record)

    def _times(self, time_left: TimeLeft | None) -> tuple[TimeLeft, int, bool]:
        """Return a function that tells the call's milliseconds left, the lease's length, and
        whether a heartbeat renews it."""
        enforced, lease_ms = self.enforced, self.lease_ms
        renews = self.store.renews and has_heartbeat(
            lease_ms, heartbeat=self.heartbeat, enforced=enforced
        )
        left = None if time_left is None else time_left()
        if left is None and lease_ms is None and enforced:
            left = self.timeout_ms
        lease = effective_lease_ms(lease_ms, left, enforced=enforced, renewed=renews)
        if time_left is not None:
            return time_left, lease, renews
        if renews:
            return lambda: LONGEST_MS, lease, True  # nothing limits the call
        ends = deadline.Deadline(lease / 1000)
        return lambda: int(ends.left() * 1000), lease, False

    def _wait(self, left: int) -> int:
        if self.wait_timeout_ms is None:
            return left // 2
        return min(self.wait_timeout_ms, deadline.without_reserve(left))


def _held(keys: DataKeys) -> DataKey:
    return run(keys.hold(BLOCKING))


def _within(time_left: TimeLeft | None, ask: Callable[[A], R]) -> Callable[[A], R]:
    return ask if time_left is None else deadline.limited(ask, time_left)
