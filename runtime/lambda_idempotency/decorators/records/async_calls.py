"""Async handlers of records: their batches run on the loop that each has."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...drivers import aio_batch
from ...execution.attempt import Running
from ...execution.operation import Operation, with_writes
from ...execution.orphans import reconciled_async
from ...protocol.batch import BatchCall
from ...protocol.steps import Reconcile, Returned, Run
from ..async_handlers import AsyncHandler
from ..handlers import time_left_of
from .calls import RECORDED, BatchCalls


class AsyncRecords(NamedTuple):
    """A handler of records whose every batch is one run of its loop."""

    handler: AsyncHandler

    def run_batch(self, calls: BatchCalls, operation: Operation, context: Any) -> None:
        """See `RecordRunner.run_batch`."""

        async def run(member: BatchCall, step: Run | Reconcile) -> Returned | None:
            attempt, record = operation.attempt(member.key, step), calls.delivered(member)
            if isinstance(step, Run):
                await self.handler.await_as(attempt, record, context)
            else:
                assert operation.on_orphan is not None
                with Running(attempt, time_left_of(context)):
                    if await reconciled_async(operation.on_orphan(record)) is None:
                        return None
            return with_writes(RECORDED, attempt)

        store = operation.store
        self.handler.on_loop(lambda: aio_batch.drive(calls.turns(), store=store, run=run))
