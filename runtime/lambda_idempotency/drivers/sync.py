"""The synchronous driver of the protocol. Only the drivers, this and `aio`, do I/O for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..clients.net import deadline, elapsed
from ..clients.net.elapsed import Moment
from ..metrics.reporting import report
from ..protocol.machine import Protocol
from ..protocol.record import Claim
from ..protocol.steps import (
    CompleteAndClaim,
    Emit,
    LeaseExpired,
    Outcome,
    Raised,
    Read,
    Reconcile,
    Returned,
    Run,
    SendClaim,
    Sleep,
    Step,
    StepResult,
)
from ..stores.base import Store
from .requests import ask_surely, complete_and_claim

if TYPE_CHECKING:
    # Few functions have batches, and the others should not load their code.
    from ..protocol.batch import Batch, BatchStep, BatchStepResult
    from .heartbeat import Heartbeat


def drive(
    protocol: Protocol,
    *,
    key: str,
    store: Store,
    run: Callable[[Run | Reconcile], Returned | None],
    remaining: Callable[[], int],
    finish: Callable[[Returned], Returned] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    moment: Callable[[], Moment] = elapsed.now,
) -> Outcome:
    """Run a call to its outcome.

    `run` calls the user's code for a step. `remaining` returns the milliseconds left. `finish` does
    the slow work between a result and its recording; it never raises.
    """
    token = deadline.start(remaining())
    timer, pulse = LeaseTimer(moment), Pulse(store)
    result: StepResult = None
    try:
        while True:
            step = protocol.send(result)
            timer.note(step)
            result = execute(
                step,
                key=key,
                store=store,
                run=lambda step: pulse.during(step, run),
                remaining=remaining,
                sleep=sleep,
                timer=timer,
            )
            if isinstance(step, (Run, Reconcile)):
                deadline.start(remaining())  # for a call that nothing limits it begins anew
            if finish is not None and isinstance(result, Returned) and result.keep:
                result = finish(result)
    except StopIteration as stop:
        outcome: Outcome = stop.value
        return outcome
    finally:
        pulse.stop()
        deadline.end(token)


def drive_batch(
    batch: Batch,
    *,
    store: Store,
    sleep: Callable[[float], None] = time.sleep,
    moment: Callable[[], Moment] = elapsed.now,
) -> None:
    """Run a batch to its end. An interruption is given to the batch, which then raises it."""
    token = deadline.start(0)  # each step sets its own
    timer, pulse = LeaseTimer(moment), Pulse(store)
    try:
        step = next(batch)
        while True:
            try:
                result = _execute_in_batch(step, store, sleep, timer, pulse)
            except BaseException as error:  # noqa: BLE001 - the batch re-raises it
                step = batch.throw(error)
            else:
                step = batch.send(result)
    except StopIteration:
        return
    finally:
        pulse.stop()
        deadline.end(token)


def _execute_in_batch(
    batch_step: BatchStep,
    store: Store,
    sleep: Callable[[float], None],
    timer: LeaseTimer,
    pulse: Pulse,
) -> BatchStepResult:
    call, step = batch_step
    deadline.start(call.remaining())
    timer.note(step)
    if isinstance(step, CompleteAndClaim):
        return complete_and_claim(store, step, call.remaining)
    return execute(
        step,
        key=call.key,
        store=store,
        run=lambda step: pulse.during(step, call.run),
        remaining=call.remaining,
        sleep=sleep,
        timer=timer,
    )


def execute(
    step: Step,
    *,
    key: str,
    store: Store,
    run: Callable[[Run | Reconcile], Returned | None],
    remaining: Callable[[], int],
    sleep: Callable[[float], None],
    timer: LeaseTimer,
) -> StepResult:
    """Execute one step of a call, and return the result for its protocol."""
    if isinstance(step, (Run, Reconcile)):
        if timer.expired(step):
            return LeaseExpired()
        try:
            return run(step)
        except BaseException as error:  # noqa: BLE001 - the protocol re-raises it
            return Raised(error)
    if isinstance(step, Sleep):
        sleep(step.milliseconds / 1000)
        return None
    if isinstance(step, Emit):
        report(step.metric, key)
        return None
    return ask_surely(store, step, remaining)


class Pulse:
    """The heartbeat of the call that runs, if it needs one.

    It goes on until the call ends, or the next one of a batch runs: by then this one has ended.
    """

    __slots__ = ("_claim", "_heartbeat", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._claim: Claim | None = None
        self._heartbeat: Heartbeat | None = None

    def during(
        self, step: Run | Reconcile, run: Callable[[Run | Reconcile], Returned | None]
    ) -> Returned | None:
        """Run the user's code for a step, with its heartbeat."""
        self.start(step)
        return self.told(run(step))

    def start(self, step: Run | Reconcile) -> None:
        """Start the step's heartbeat, unless it beats already."""
        if step.renewal == self._claim:
            return
        self.stop()
        if (claim := step.renewal) is not None:
            from .heartbeat import begin  # ordinary Lambda functions need none

            assert step.lease_ms is not None
            self._claim, self._heartbeat = claim, begin(claim, step.lease_ms, self._store)

    def told(self, ran: Returned | None) -> Returned | None:
        """Return a result that says when the lease was last renewed."""
        if ran is None or self._heartbeat is None:
            return ran
        return ran._replace(renewed_at=self._heartbeat.renewed_at)

    def stop(self) -> None:
        """End the heartbeat."""
        if self._heartbeat is not None:
            self._heartbeat.stop()
        self._claim = self._heartbeat = None


class LeaseTimer:
    """The time since a lease was last requested. An attempt that is too late must not run. One is
    enough for a batch: a claim is sent only when the last one has run."""

    __slots__ = ("_asked", "_moment")
    _asked: Moment

    def __init__(self, moment: Callable[[], Moment]) -> None:
        self._moment = moment

    def note(self, step: Step | CompleteAndClaim) -> None:
        """Note a step before it is executed: it may request a lease, or read one."""
        if isinstance(step, (SendClaim, Read, CompleteAndClaim)):
            self._asked = self._moment()

    def expired(self, step: Run | Reconcile) -> bool:
        """Tell whether the step's lease may have ended."""
        if step.lease_ms is None:
            return False
        return elapsed.milliseconds(self._asked, self._moment()) > step.lease_ms
