"""Executes the steps of a batch on an event loop, as `async_driver` does those of a call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..clients.net import elapsed
from ..clients.net.elapsed import Moment
from ..metrics.reporting import report
from ..protocol.batch import Batch, BatchCall, BatchStep, BatchStepResult
from ..protocol.record import Store
from ..protocol.steps import CompleteAndClaim, Emit, Reconcile, Returned, Run, Sleep
from .aio import CancellationShield, ran_as
from .sync import Lease


async def drive(
    batch: Batch,
    *,
    store: Store,
    run: Callable[[BatchCall, Run | Reconcile], Awaitable[Returned | None]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    moment: Callable[[], Moment] = elapsed.now,
) -> None:
    """Runs a batch to its end. A cancellation is raised when the batch has been told."""
    cancelled: asyncio.CancelledError | None = None
    lease = Lease(moment)  # nothing is claimed before what was claimed last has run
    try:
        turn = next(batch)
        while True:
            waits = CancellationShield(store, turn.member.remaining, sleep)
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
    turn: BatchStep,
    waits: CancellationShield,
    run: Callable[[BatchCall, Run | Reconcile], Awaitable[Returned | None]],
    lease: Lease,
) -> BatchStepResult:
    member, step = turn
    lease.note(step)
    if isinstance(step, CompleteAndClaim):
        return await waits.complete_and_claim(step)
    if isinstance(step, (Run, Reconcile)):
        return await ran_as(lambda asked: run(member, asked), step, lease)
    if isinstance(step, Sleep):
        await waits.sleep(step.milliseconds)
        return None
    if isinstance(step, Emit):
        report(step.metric, member.key)
        return None
    return await waits.ask(step)
