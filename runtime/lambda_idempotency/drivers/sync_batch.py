"""Executes the steps of a batch: here, or on an event loop."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..clients.net import deadline, elapsed
from ..clients.net.elapsed import Moment
from ..protocol.batch import Batch, BatchCall, BatchStep, BatchStepResult
from ..protocol.record import Store
from ..protocol.steps import CompleteAndClaim, Reconcile, Returned, Run
from .sync import Lease, complete_and_claim, execute


def drive(
    batch: Batch,
    *,
    store: Store,
    run: Callable[[BatchCall, Run | Reconcile], Returned | None],
    sleep: Callable[[float], None] = time.sleep,
    moment: Callable[[], Moment] = elapsed.now,
) -> None:
    """Runs a batch to its end. What interrupts it is raised when the batch has been told."""
    token = deadline.start(0)  # each turn has its own
    lease = Lease(moment)  # nothing is claimed before what was claimed last has run
    try:
        turn = next(batch)
        while True:
            try:
                answer = _take(turn, store, run, sleep, lease)
            except BaseException as error:  # noqa: BLE001 - the batch re-raises it
                turn = batch.throw(error)
            else:
                turn = batch.send(answer)
    except StopIteration:
        return
    finally:
        deadline.end(token)


def _take(
    turn: BatchStep,
    store: Store,
    run: Callable[[BatchCall, Run | Reconcile], Returned | None],
    sleep: Callable[[float], None],
    lease: Lease,
) -> BatchStepResult:
    member, step = turn
    deadline.start(member.remaining())
    lease.note(step)
    if isinstance(step, CompleteAndClaim):
        return complete_and_claim(store, step, member.remaining)
    return execute(
        step,
        key=member.key,
        store=store,
        run=lambda asked: run(member, asked),
        remaining=member.remaining,
        sleep=sleep,
        lease=lease,
    )
