"""The synchronous driver of the protocol. Only the drivers, this and `aio`, do I/O for it.

A signal handler may raise anywhere. While the user's code runs, that is its error. Once it has
returned, its effect has happened, so the record is completed first:

    an Exception (a timeout, say)     counts as a failure of the step that it interrupts; the
                                       caller gets the result
    KeyboardInterrupt, SystemExit      the completion is sent once more, without pauses; then it
                                       ends the call
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ..clients.net import deadline, elapsed
from ..clients.net.elapsed import Moment
from ..metrics.reporting import report
from ..protocol.machine import Protocol
from ..protocol.record import NO_BODY, Claim
from ..protocol.steps import (
    Complete,
    CompleteAndClaim,
    Emit,
    LeaseExpired,
    Outcome,
    PairResult,
    Raised,
    Read,
    Reconcile,
    Release,
    Renew,
    Returned,
    Run,
    SendClaim,
    Sleep,
    Step,
    StepResult,
)
from ..stores.base import Store
from .requests import ask_surely, complete_and_claim, failed

if TYPE_CHECKING:
    # Few functions have batches, and the others should not load their code.
    from ..protocol.batch import Batch, BatchStep, BatchStepResult
    from .heartbeat import Heartbeat, Renewed

Runs: TypeAlias = Callable[[Run | Reconcile], Returned | Raised | None]
"""Runs the user's code for a step."""

Told = TypeVar("Told", bound=StepResult)


def drive(
    protocol: Protocol,
    *,
    key: str,
    store: Store,
    run: Runs,
    remaining: Callable[[], int],
    finish: Callable[[Returned], Returned] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    moment: Callable[[], Moment] = elapsed.now,
    renewed: Renewed | None = None,
) -> Outcome:
    """Run a call to its outcome.

    `run` calls the user's code for a step. `remaining` returns the milliseconds left. `finish` does
    the slow work between a result and its recording; it never raises. `renewed` is the call, for
    its heartbeat.
    """
    token = deadline.start(remaining())
    timer, pulse = LeaseTimer(moment), Pulse(store, renewed)
    interruption = Interruption(remaining)
    result: StepResult = None
    try:
        while True:
            step = protocol.send(result)
            try:
                timer.note(step)
                interruption.note(step)
                if isinstance(step, Sleep) and interruption.error is not None:
                    result = None
                else:
                    result = execute(
                        step,
                        key=key,
                        store=store,
                        run=pulse.around(run, timer),
                        remaining=interruption.remaining,
                        sleep=sleep,
                        timer=timer,
                    )
            except BaseException as error:  # noqa: BLE001 - a signal handler may raise anything
                result = interruption.during(step, error)
            if isinstance(step, (Run, Reconcile)):
                interruption.ends = isinstance(result, Returned)
                try:
                    deadline.start(remaining())  # for a call that nothing limits it begins anew
                    if isinstance(result, Returned):
                        result = pulse.told(result)
                        result = finish(result) if finish is not None and result.keep else result
                except BaseException as error:
                    if not isinstance(result, Returned):
                        raise
                    interruption.keep(error)
                    result = result._replace(data=None, encoding=NO_BODY)
    except StopIteration as stop:
        outcome: Outcome = stop.value
    finally:
        pulse.stop()
        deadline.end(token)
    if interruption.error is not None:
        raise interruption.error
    return outcome


def drive_batch(
    batch: Batch,
    *,
    store: Store,
    sleep: Callable[[float], None] = time.sleep,
    moment: Callable[[], Moment] = elapsed.now,
) -> None:
    """Run a batch to its end. An interruption is given to the batch, which then raises it."""
    timer, pulse = LeaseTimer(moment), Pulse(store)
    interruption = Interruption(lambda: 0)
    if (step := next(batch, None)) is None:
        return
    token = deadline.start(step.call.remaining())  # its reserve is that of all that follow
    try:
        while True:
            interruption.note(step.step)
            result: BatchStepResult = None
            try:
                result = _execute_in_batch(step, store, sleep, timer, pulse)
            except BaseException as error:  # noqa: BLE001 - the batch re-raises it
                if not (interruption.ends and isinstance(error, Exception)):
                    step = batch.throw(error)
                    continue
                failed = interruption.during(step.step, error)
                pair = isinstance(step.step, CompleteAndClaim)
                result = PairResult(failed, failed) if pair else failed
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
    result = execute(
        step,
        key=call.key,
        store=store,
        run=pulse.around(call.run, timer, call.renewed),
        remaining=call.remaining,
        sleep=sleep,
        timer=timer,
    )
    return pulse.told(result) if isinstance(result, Returned) else result


def execute(
    step: Step,
    *,
    key: str,
    store: Store,
    run: Runs,
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


class Interruption:
    """An exception that a signal handler raises while a call is under way."""

    __slots__ = ("_remaining", "ends", "error")

    def __init__(self, remaining: Callable[[], int]) -> None:
        self._remaining = remaining
        self.ends = False
        """True while an attempt's end is being recorded: then nothing may stop it."""
        self.error: BaseException | None = None
        """The exception that ends the call when its end is recorded."""

    def note(self, step: Step | CompleteAndClaim) -> None:
        """Note a step before it is executed."""
        if not isinstance(step, (Sleep, Emit)):
            self.ends = isinstance(step, (Complete, CompleteAndClaim, Release, Renew))

    def during(self, step: Step | CompleteAndClaim, error: BaseException) -> StepResult:
        """Return the result of an interrupted step, if it records the end of an attempt. Raises the
        error otherwise."""
        if not self.ends:
            raise error
        failure = failed(InterruptedError(type(error).__name__), self.remaining)
        self.keep(error)
        if isinstance(step, (Sleep, Emit)):
            return None
        return failure

    def keep(self, error: BaseException) -> None:
        """Keep an error until the end is recorded, if it is meant to end the call."""
        if self.error is None and not isinstance(error, Exception):
            self.error = error

    def remaining(self) -> int:
        """Return the milliseconds left; none after an interruption, so that nothing is repeated."""
        return self._remaining() if self.error is None else 0


class Pulse:
    """The heartbeat of the call that runs, if it needs one.

    It goes on until the call ends, or the next one of a batch runs: by then this one has ended.
    """

    __slots__ = ("_claim", "_heartbeat", "_store", "renewed")

    def __init__(self, store: Store, renewed: Renewed | None = None) -> None:
        self._store = store
        self.renewed = renewed
        self._claim: Claim | None = None
        self._heartbeat: Heartbeat | None = None

    def around(self, run: Runs, timer: LeaseTimer, renewed: Renewed | None = None) -> Runs:
        """Return the function that runs the user's code for a step, with its heartbeat."""
        self.renewed = renewed or self.renewed

        def ran(step: Run | Reconcile) -> Returned | Raised | None:
            self.start(step)
            return run(timer.begun(step))

        return ran

    def start(self, step: Run | Reconcile) -> None:
        """Start the step's heartbeat, unless it beats already."""
        if step.renewal == self._claim:
            return
        self.stop()
        if (claim := step.renewal) is not None:
            from .heartbeat import begin  # ordinary Lambda functions need none

            assert step.lease_ms is not None
            self._claim, self._heartbeat = (
                claim,
                begin(claim, step.lease_ms, self._store, self.renewed),
            )

    def told(self, ran: Told) -> Told:
        """Return a result that says when the lease was last renewed."""
        if self._heartbeat is None or not isinstance(ran, Returned):
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

    def begun(self, step: Run | Reconcile) -> Run | Reconcile:
        """Return the step as it begins: its lease is what is left of it."""
        if step.lease_ms is None:
            return step
        passed = elapsed.milliseconds(self._asked, self._moment())
        return step._replace(lease_ms=step.lease_ms - passed)
