"""One call under way: its protocol, and the code that it may run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..contract.lease import LONGEST_MS
from ..protocol.machine import Protocol, run_once, run_unprotected
from ..protocol.steps import Call, Reconcile, Returned, Run
from ..response.body import ResponseBody
from .attempt import Attempt, TimeLeft, run_as, run_as_async, unprotected
from .commits import Writes
from .hooks import Reconciled, reconciled, settled
from .target import Target

if TYPE_CHECKING:
    from ..response.offload import Objects
    from ..stores.base import Store


class ActiveCall:
    """A call under way. Its protocol decides what runs; `remaining` returns milliseconds."""

    __slots__ = ("_store", "_target", "body", "key", "protocol", "remaining")

    def __init__(
        self,
        call: Call,
        target: Target,
        *,
        store: Store,
        objects: Objects | None,
        remaining: TimeLeft,
    ) -> None:
        self.key = call.key
        self.protocol: Protocol = run_once(call)
        self.body = ResponseBody(call, max_data=store.max_data, objects=objects)
        self.remaining = remaining
        self._store = store
        self._target = target

    def run(self, step: Run | Reconcile) -> Returned | None:
        """Run the user's code for a step. None: the dead attempt had no effect, so run again."""
        attempt = self._attempt(step)
        if isinstance(step, Run):
            return self._returned(
                run_as(attempt, self._target.time_left, self._target.run), attempt
            )
        assert self._target.reconcile is not None
        found = reconciled(run_as(attempt, self._target.time_left, self._target.reconcile))
        return self._reconciled(found, attempt)

    async def run_async(self, step: Run | Reconcile) -> Returned | None:
        """Run the user's code for a step on the running event loop, as `run` does."""
        attempt, left = self._attempt(step), self._target.time_left
        if isinstance(step, Run):
            return self._returned(await run_as_async(attempt, left, self._target.run), attempt)
        reconcile = self._target.reconcile
        assert reconcile is not None
        found = reconciled(await run_as_async(attempt, left, partial(settled, reconcile)))
        return self._reconciled(found, attempt)

    def _attempt(self, step: Run | Reconcile) -> Attempt:
        return Attempt(self.key, step.attempt, Writes.into(self._store))

    def _reconciled(self, found: Reconciled | None, attempt: Attempt) -> Returned | None:
        return None if found is None else self._returned(found.response, attempt)

    def _returned(self, result: object, attempt: Attempt) -> Returned:
        recorded = self._target.record(result)
        writes = () if attempt.writes is None else attempt.writes.taken()
        return self.body.packed(recorded._replace(writes=writes) if writes else recorded)


class UnprotectedCall:
    """A call of a batch that has no key and runs anyway, without a record."""

    __slots__ = ("_attempt", "_target", "key", "protocol")

    def __init__(self, target: Target) -> None:
        self._attempt = unprotected()
        self.key = self._attempt.key
        self.protocol: Protocol = run_unprotected()
        self._target = target

    def remaining(self) -> int:
        """Return the milliseconds left: no lease limits the call."""
        return LONGEST_MS

    def run(self, _: Run | Reconcile) -> Returned:
        """Run the user's code."""
        return self._target.record(run_as(self._attempt, self._target.time_left, self._target.run))

    async def run_async(self, _: Run | Reconcile) -> Returned:
        """Run the user's code on the running event loop."""
        ran = await run_as_async(self._attempt, self._target.time_left, self._target.run)
        return self._target.record(ran)
