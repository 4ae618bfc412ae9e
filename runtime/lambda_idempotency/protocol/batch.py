"""The records of a batch, one call of the protocol after another, without I/O.

`run_batch` is a generator of steps, as the protocol is. Nothing is claimed that is not about to
run. An answer that is to be recorded waits for the next claim, and both are sent together:

    claim 1 │ run 1 │ complete 1 + claim 2 │ run 2 │ complete 2 + claim 3 │ ... │ complete n

It waits only where its call has succeeded, whatever the store says to it, and never while another
record runs: a batch that dies loses no completion but that of the record that it died in.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import NamedTuple, TypeAlias

from .machine import Protocol
from .record import COMPLETED
from .steps import (
    Complete,
    CompleteAndClaim,
    Executed,
    Outcome,
    PairResult,
    Raised,
    Returned,
    Run,
    SendClaim,
    Step,
    StepResult,
)


class BatchCall(NamedTuple):
    """A record whose turn it is: the `number` in its batch, its record's id, and its protocol;
    `remaining` tells the milliseconds that are left for it."""

    number: int
    key: str
    protocol: Protocol
    remaining: Callable[[], int]


class BatchStep(NamedTuple):
    """What is to be done next, and for whom; of `CompleteAndClaim`, for the one who claims."""

    member: BatchCall
    step: Step | CompleteAndClaim


BatchStepResult: TypeAlias = StepResult | PairResult

Batch: TypeAlias = Generator[BatchStep, BatchStepResult, None]

End: TypeAlias = Callable[[BatchCall, Outcome], None]
"""Takes the outcome of a record; what it raises ends the batch."""


class _Waiting(NamedTuple):
    """A record that has succeeded, and whose completion is yet to be sent."""

    member: BatchCall
    step: Complete


def run_batch(members: Iterable[BatchCall], end: End) -> Batch:
    """The whole life of a batch. The next of `members` is asked for when its turn has come, and
    all that ended before it has been told to `end`, but a success that waits."""
    waiting: _Waiting | None = None
    try:
        for member in members:
            step = next(member.protocol)
            if waiting is None:
                answer = yield BatchStep(member, step)
            else:
                answer = yield from _follow(waiting, member, step, end)
                waiting = None
            assert not isinstance(answer, PairResult)
            waiting = yield from _run(member, answer, end, may_wait=True)
        if waiting is not None:
            yield from _complete(waiting, end)
    except GeneratorExit:
        raise
    except BaseException:
        if waiting is not None:  # its effect has happened
            yield BatchStep(waiting.member, waiting.step)
        raise


def run_unprotected() -> Protocol:
    """The protocol of a record that runs without a record of ours."""
    ran = yield Run(1)
    if isinstance(ran, Raised):
        return ran
    assert isinstance(ran, Returned)
    return Executed(ran.result)


def _follow(
    waiting: _Waiting, member: BatchCall, step: Step, end: End
) -> Generator[BatchStep, BatchStepResult, StepResult]:
    """The first step of a record, after the last one of the record before it, or with it."""
    if isinstance(step, SendClaim) and step.claim.key != waiting.member.key:
        both = yield BatchStep(member, CompleteAndClaim(waiting.step.completion, step.claim))
        assert isinstance(both, PairResult)
        yield from _run(waiting.member, both.completed, end, may_wait=False)
        return both.claimed
    yield from _complete(waiting, end)
    answer = yield BatchStep(member, step)
    assert not isinstance(answer, PairResult)
    return answer


def _complete(waiting: _Waiting, end: End) -> Generator[BatchStep, BatchStepResult, None]:
    answer = yield BatchStep(waiting.member, waiting.step)
    assert not isinstance(answer, PairResult)
    yield from _run(waiting.member, answer, end, may_wait=False)


def _run(
    member: BatchCall, answer: StepResult, end: End, *, may_wait: bool
) -> Generator[BatchStep, BatchStepResult, _Waiting | None]:
    """A record from the answer to a step of its on: to its outcome, or to where it may wait."""
    while True:
        try:
            step = member.protocol.send(answer)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            break
        if may_wait and isinstance(step, Complete) and _succeeds(step):
            return _Waiting(member, step)
        reply = yield BatchStep(member, step)
        assert not isinstance(reply, PairResult)
        answer = reply
    end(member, outcome)  # not above: what it raises would carry the StopIteration with it
    return None


def _succeeds(step: Complete) -> bool:
    """Whether the call succeeds even if its completion fails. It does not where it is parked, or
    where its writes are to take effect now."""
    completion = step.completion
    return completion.status == COMPLETED and not completion.strict
