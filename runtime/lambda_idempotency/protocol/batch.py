"""The records of a batch: one call of the protocol after another, without I/O.

Like the protocol, `run_batch` is a generator of steps. It claims a record only when that is about
to run. An answer to be recorded waits for the next claim, and both are sent together:

    claim 1 │ run 1 │ complete 1 + claim 2 │ run 2 │ complete 2 + claim 3 │ ... │ complete n

An answer waits only if its call succeeds whatever the store replies, and never while another record
runs. The next record is read before this one runs, because reading can take time, or the process
down. So a batch that dies loses no completion, except that of the record in which it died.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeAlias

from ..tuples import NamedTuple
from .machine import Protocol
from .record import COMPLETED
from .steps import (
    Complete,
    CompleteAndClaim,
    Outcome,
    PairResult,
    Reconcile,
    Run,
    SendClaim,
    Step,
    StepResult,
)


class BatchCall(NamedTuple):
    """The call of a record whose turn has come.

    `number` is its place in the batch, `key` its record's id. `remaining` returns the milliseconds
    left for it. `run` calls the user's code for a step; an async driver awaits the result.
    `renewed` is the call, for its heartbeat.
    """

    number: int
    key: str
    protocol: Protocol
    remaining: Callable[[], int]
    run: Callable[[Run | Reconcile], Any]
    renewed: Any = None


class BatchStep(NamedTuple):
    """A step of a batch, and its call; for `CompleteAndClaim`, the call that claims."""

    call: BatchCall
    step: Step | CompleteAndClaim


BatchStepResult: TypeAlias = StepResult | PairResult

Batch: TypeAlias = Generator[BatchStep, BatchStepResult, None]

End: TypeAlias = Callable[[BatchCall, Outcome], None]
"""Takes the outcome of a record. An exception that it raises ends the batch."""


class _Waiting(NamedTuple):
    """A call that has succeeded, and its completion, which is yet to be sent."""

    call: BatchCall
    step: Complete


def run_batch(
    calls: Iterable[BatchCall], end: End, read_ahead: Callable[[], None] = lambda: None
) -> Batch:
    """Run a batch. `calls` is advanced when the next call's turn has come. By then `end` has got
    the outcome of every call before it, except a success that waits. `read_ahead` is called before
    each record's code runs: it does the work for the next call that may take long."""
    waiting: _Waiting | None = None
    try:
        for call in calls:
            step = next(call.protocol)
            if waiting is not None and isinstance(step, SendClaim):
                result = yield from _follow(waiting, call, step, end)
            else:
                if waiting is not None:
                    yield from _complete(waiting, end)
                result = yield from _ask(call, step, read_ahead)
            waiting = None
            waiting = yield from _run(call, result, end, read_ahead, may_wait=True)
        if waiting is not None:
            yield from _complete(waiting, end)
    except GeneratorExit:
        raise
    except BaseException:
        if waiting is not None:  # its effect has happened
            yield BatchStep(waiting.call, waiting.step)
        raise


def _follow(
    waiting: _Waiting, call: BatchCall, step: SendClaim, end: End
) -> Generator[BatchStep, BatchStepResult, StepResult]:
    """Claim a call's key together with the waiting completion; after it, if both have one key."""
    if step.claim.key == waiting.call.key:
        yield from _complete(waiting, end)
        return (yield from _ask(call, step))
    both = yield BatchStep(call, CompleteAndClaim(waiting.step.completion, step.claim))
    assert isinstance(both, PairResult)
    yield from _run(waiting.call, both.completed, end)
    return both.claimed


def _complete(waiting: _Waiting, end: End) -> Generator[BatchStep, BatchStepResult, None]:
    result = yield from _ask(waiting.call, waiting.step)
    yield from _run(waiting.call, result, end)


def _ask(
    call: BatchCall, step: Step, read_ahead: Callable[[], None] = lambda: None
) -> Generator[BatchStep, BatchStepResult, StepResult]:
    if isinstance(step, (Run, Reconcile)):
        read_ahead()
    result = yield BatchStep(call, step)
    assert not isinstance(result, PairResult)
    return result


def _run(
    call: BatchCall,
    result: StepResult,
    end: End,
    read_ahead: Callable[[], None] = lambda: None,
    *,
    may_wait: bool = False,
) -> Generator[BatchStep, BatchStepResult, _Waiting | None]:
    """Take a call from the result of a step to its outcome, or to the completion that may wait."""
    while True:
        try:
            step = call.protocol.send(result)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            break
        if may_wait and isinstance(step, Complete) and _succeeds(step):
            return _Waiting(call, step)
        result = yield from _ask(call, step, read_ahead)
    end(call, outcome)  # not in the `except`: its errors would have StopIteration as their context
    return None


def _succeeds(step: Complete) -> bool:
    """Tell whether the call succeeds even if its completion fails. It does not if it is parked, or
    if its writes must take effect now."""
    completion = step.completion
    return completion.status == COMPLETED and not (completion.strict or completion.writes)
