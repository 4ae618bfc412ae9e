"""Async handlers of records: their batches run on the loop that each has."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import async_batch_driver
from .async_handlers import AsyncHandler
from .attempt import Attempt
from .batch import Member
from .record import Store
from .record_calls import RECORDED, BatchCalls
from .steps import Reconcile, Returned, Run


class AsyncRecords(NamedTuple):
    """A handler of records whose every batch is one run of its loop."""

    handler: AsyncHandler

    def run_batch(self, calls: BatchCalls, store: Store, context: Any) -> None:
        """See `RecordRunner.run_batch`."""

        async def run(member: Member, step: Run | Reconcile) -> Returned:
            attempt = Attempt(member.key, step.attempt)
            await self.handler.await_as(attempt, calls.delivered(member), context)
            return RECORDED

        self.handler.on_loop(lambda: async_batch_driver.drive(calls.turns(), store=store, run=run))
