"""Executes the steps of a batch on an event loop, as `async_driver` does those of a call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..clients.net import elapsed
from ..clients.net.elapsed import Moment
from ..metrics.reporting import report
from ..protocol.batch import Batch, BatchAnswer, Member, Turn
from ..protocol.record import Store
from ..protocol.steps import Emit, Reconcile, Returned, Run, Sleep, Together
from .aio import Waits, ran_as
from .sync import Lease


async def drive(
    batch: Batch,
    *,
    store: Store,
    run: Callable[[Member, Run | Reconcile], Awaitable[Returned | None]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    moment: Callable[[], Moment] = elapsed.now,
) -> None:
    """Runs a batch to its end. A cancellation is raised when the batch has been told."""
    cancelled: asyncio.CancelledError | None = None
    lease = Lease(moment)  # nothing is claimed before what was claimed last has run
    try:
        turn = next(batch)
        while True:
            waits = Waits(store, turn.member.remaining, sleep)
            waits.cancelled = cancelled
            answer = await _take(turn, waits, run, lease)
            if waits.cancelled is cancelled:
                turn = batch.send(answer)
            else:
                cancelled = waits.cancelled
                assert cancelled is not None
                turn = batch.throw(cancelled)
    except StopIteration:
        return


async def _take(
    turn: Turn,
    waits: Waits,
    run: Callable[[Member, Run | Reconcile], Awaitable[Returned | None]],
    lease: Lease,
) -> BatchAnswer:
    member, step = turn
    lease.note(step)
    if isinstance(step, Together):
        return await waits.ask_together(step)
    if isinstance(step, (Run, Reconcile)):
        return await ran_as(lambda asked: run(member, asked), step, lease)
    if isinstance(step, Sleep):
        await waits.sleep(step.milliseconds)
        return None
    if isinstance(step, Emit):
        report(step.metric, member.key)
        return None
    return await waits.ask(step)
