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
from typing import TYPE_CHECKING, Final, TypeAlias

from ..clients.net import deadline, elapsed
from ..clients.net.elapsed import Moment
from ..metrics.reporting import report
from ..protocol.machine import Protocol
from ..protocol.record import NO_BODY
from ..protocol.steps import (
    CompleteAndClaim,
    Emit,
    Examine,
    Fate,
    LeaseExpired,
    Outcome,
    PairResult,
    Raised,
    Reconcile,
    Returned,
    Run,
    Sleep,
    Step,
    StepResult,
)
from ..stores.base import Store
from .interruption import Interruption
from .lease import LeaseTimer, Pulse, Runs
from .requests import ask_surely, complete_and_claim

if TYPE_CHECKING:
    # Few functions have batches, and the others should not load their code.
    from ..protocol.batch import Batch, BatchStep, BatchStepResult
    from .heartbeat import Renewed

Examines: TypeAlias = Callable[[Examine], Fate]
"""Asks what has become of a durable execution."""


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
    examine: Examines | None = None,
) -> Outcome:
    """Run a call to its outcome.

    `run` calls the user's code for a step. `remaining` returns the milliseconds left. `finish` does
    the slow work between a result and its recording; it never raises. `renewed` is the call, for
    its heartbeat. `examine` is needed by calls of a durable execution.
    """
    token = deadline.start(remaining())
    executor = _Executor(store, sleep, moment, renewed, examine)
    pulse, interruption = executor.pulse, Interruption(remaining)
    result: StepResult = None
    try:
        while True:
            step = protocol.send(result)
            runs = type(step) in _RUNS
            try:
                interruption.note(step)
                if interruption.error is not None and isinstance(step, Sleep):
                    result = None
                else:
                    result = executor.execute(step, key, run, interruption.remaining)
            except BaseException as error:  # noqa: BLE001 - a signal handler may raise anything
                result = interruption.during(step, error)
            if runs:
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
    executor = _Executor(store, sleep, moment)
    interruption = Interruption(lambda: 0)
    if (step := next(batch, None)) is None:
        return
    token = deadline.start(step.call.remaining())  # its reserve is that of all that follow
    try:
        while True:
            interruption.note(step.step)
            result: BatchStepResult = None
            try:
                result = _execute_in_batch(step, executor)
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
        executor.pulse.stop()
        deadline.end(token)


def _execute_in_batch(batch_step: BatchStep, executor: _Executor) -> BatchStepResult:
    call, step = batch_step
    if not isinstance(step, Emit):  # it waits for nothing
        deadline.start(call.remaining())
    pulse = executor.pulse
    if isinstance(step, CompleteAndClaim):
        executor.timer.note(step)
        return complete_and_claim(executor.store, step, call.remaining)
    if type(step) in _RUNS:
        pulse.renewed = call.renewed
    result = executor.execute(step, call.key, call.run, call.remaining)
    return pulse.told(result) if isinstance(result, Returned) else result


class _Executor:
    """Executes the steps of a call, or of the calls of a batch, one after another."""

    __slots__ = ("_examine", "_sleep", "pulse", "store", "timer")

    def __init__(
        self,
        store: Store,
        sleep: Callable[[float], None],
        moment: Callable[[], Moment],
        renewed: Renewed | None = None,
        examine: Examines | None = None,
    ) -> None:
        self.store = store
        self._sleep = sleep
        self.timer = LeaseTimer(moment)
        self.pulse = Pulse(store, renewed)
        self._examine = examine

    def execute(self, step: Step, key: str, run: Runs, remaining: Callable[[], int]) -> StepResult:
        """Execute one step, and return the result for its protocol."""
        if isinstance(step, Emit):
            report(step.metric, key, step.why, attempt=step.attempt, remaining=remaining)
            return None
        if isinstance(step, Run) or isinstance(step, Reconcile):  # noqa: SIM101 - a third of it
            return self._run(step, run)
        if isinstance(step, Sleep):
            self._sleep(step.milliseconds / 1000)
            return None
        if isinstance(step, Examine):
            return Fate("unknown") if self._examine is None else self._examine(step)
        self.timer.note(step)
        return ask_surely(self.store, step, remaining)

    def _run(self, step: Run | Reconcile, run: Runs) -> StepResult:
        if (begun := self.timer.begun(step)) is None:
            return LeaseExpired()
        try:
            self.pulse.start(step)
            return run(begun)
        except BaseException as error:  # noqa: BLE001 - the protocol re-raises it
            return Raised(error)


_RUNS: Final = frozenset({Run, Reconcile})
"""The types of the steps that run the user's code."""
