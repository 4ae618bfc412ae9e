"""The events that can happen to one worker, by the kind of step that it has reached.

A new kind of step needs one function here, or `ask` if it is a request, and a line in `_MOVES`;
`live.py` plays its replies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from lambda_idempotency.protocol.steps import (
    Complete,
    Examine,
    Fate,
    LeaseExpired,
    Raised,
    Read,
    Reconcile,
    Release,
    Renew,
    Run,
    SendClaim,
    Sleep,
    Step,
    StepResult,
)
from simulation.explorer.events import Kind, Move, Place, Told
from simulation.explorer.handlers import STEP_FAILED, Begin, Finish, Take
from simulation.explorer.invariants import of_steps, of_take
from simulation.explorer.requests import ask, beat
from simulation.explorer.workers import Local, Ran, answer_of, ended
from simulation.explorer.world import World, stamp


class HandlerError(Exception):
    """The error of a handler."""


RAISED: Final = Raised(HandlerError())
NOBODY: Final = -1


def moves_of(world: World, worker: int, number: int, place: Place) -> Iterator[Move]:
    """Yield all that can happen to a worker next."""
    local = world.locals[number]
    node = world.node(worker, local)
    assert node is not None
    assert node.step is not None
    yield from _MOVES[type(node.step)](world, worker, local, node.step, place)
    if local.renewal is not None:
        yield from beat(world, worker, local, local.renewal, place)
    if local.node > 0:
        yield Move(Kind.CRASHES, world.locals.number(ended(local)), place[0])


def _run(world: World, worker: int, local: Local, step: Run, place: Place) -> Iterator[Move]:
    """Yield each way to run: the effect happens, and the handler returns or raises. It does not
    start too late, unless it stalls after the driver has looked at the clock."""
    record, moment, _ = place
    late = not local.running and _is_late(world, local, step, moment)
    if late:
        yield _late(world, worker, local, place)
    if step.renewal is not None and not local.running:
        begun = local._replace(ran=Ran.KEPT, gives=worker, running=True, renewal=step.renewal)
        yield Move(Kind.BEGINS, world.locals.number(begun), record, runs=not late)
        return
    own = answer_of(worker, commits=world.scenario.commits)._replace(
        renewed_at=local.renewed or None
    )
    answers: dict[str, tuple[StepResult, Ran]] = {
        "returns": (own, Ran.KEPT),
        "raises": (RAISED, Ran.LET_GO),
        "is not kept": (own._replace(keep=False), Ran.LET_GO),
        "suspends": (own._replace(suspended=True), Ran.KEPT),
    }
    for ending in world.scenario.endings:
        answer, ran = answers[ending]
        ran_ = local._replace(ran=ran, gives=worker, running=False, suspended=ending == "suspends")
        after, broken = world.send(worker, ran_, answer, record, moment)
        number = world.locals.number(after)
        kind = Kind.ENDS if local.running else Kind.STALLED if late else Kind.RUNS
        starts = not late and not local.running
        yield Move(kind, number, record, runs=starts, broken=broken, reply=answer)


def _is_late(world: World, local: Local, step: Run | Reconcile | Begin, moment: int) -> bool:
    """Tell whether the driver sees that the lease may have ended."""
    return step.lease_ms is not None and world.times[moment] - local.sent >= step.lease_ms


def _late(world: World, worker: int, local: Local, place: Place) -> Move:
    record, moment, _ = place
    after, broken = world.send(worker, local, LeaseExpired(), record, moment)
    return Move(Kind.LATE, world.locals.number(after), record, broken=broken, reply=LeaseExpired())


def _reconcile(
    world: World, worker: int, local: Local, step: Reconcile, place: Place
) -> Iterator[Move]:
    """Yield each answer about a dead attempt: the truth or an error. A late worker does not ask."""
    record, moment, _ = place
    if _is_late(world, local, step, moment):
        yield _late(world, worker, local, place)

    def move(answer: StepResult, truth: int | None, **known: Any) -> Move:
        after, broken = world.send(worker, local._replace(**known), answer, record, moment)
        number = world.locals.number(after)
        return Move(Kind.ASKS, number, record, broken=broken, reply=answer, truth=truth)

    yield move(None, NOBODY, asked=True)
    yield move(RAISED, None)
    for other in range(len(world.scenario.calls)):
        if other != worker:
            yield move(answer_of(other), other, ran=Ran.KEPT, gives=other)


def _examine(
    world: World, worker: int, local: Local, step: Examine, place: Place
) -> Iterator[Move]:
    """Yield each answer about another execution: the truth, or that nobody knows."""
    record, moment, _ = place
    others = [
        index for index, call in enumerate(world.scenario.calls) if call.execution == step.execution
    ]
    told = [Told(state, tuple(others)) for state in ("running", "failed", "died", "unknown")]
    told += [Told("succeeded", tuple(others), each) for each in others]
    if world.scenario.reconciles:
        told.append(Told("lost", tuple(others)))
    for each in told:
        data = None if each.gives is None else answer_of(each.gives).data
        answer = Fate(each.state, data=data)  # type: ignore[arg-type]
        ended = local.learned not in ("", "running", "unknown")  # which stays true
        learned = local if ended else local._replace(learned=each.state)
        after, broken = world.send(worker, learned, answer, record, moment)
        number = world.locals.number(after)
        yield Move(
            Kind.LEARNS, number, record, broken=broken, reply=answer, truth=each, about=each.state
        )


def _begin(world: World, worker: int, local: Local, step: Begin, place: Place) -> Iterator[Move]:
    """Yield the beginning of a handler with steps: in time, or after a stall."""
    record, moment, _ = place
    late = _is_late(world, local, step, moment)
    if late:
        yield _late(world, worker, local, place)
    begun = local._replace(ran=Ran.KEPT, gives=worker)
    after, broken = world.send(worker, begun, None, record, moment)
    yield Move(Kind.BEGINS, world.locals.number(after), record, runs=not late, broken=broken)


def _take(world: World, worker: int, local: Local, step: Take, place: Place) -> Iterator[Move]:
    """Yield each way to run a step: its function returns or raises. It does not start too late,
    unless it stalls after the look at the clock."""
    record, moment, _ = place
    broken = of_take(step.name, world.owners[worker], world.records[record], world.times[moment])
    for answer in (None, STEP_FAILED):
        ran = local if answer is None else local._replace(ran=Ran.LET_GO)
        after, ends = world.send(worker, ran, answer, record, moment)
        number = world.locals.number(after)
        found = broken or ends
        yield Move(Kind.TAKES, number, record, reply=answer, broken=found, about=step.name)


def _finish(world: World, worker: int, local: Local, step: Finish, place: Place) -> Iterator[Move]:
    """Yield each end of a handler that has got its steps."""
    record, moment, _ = place
    broken = of_steps(step.steps, world.owners[worker], world.records[record])
    for answer, ran in ((answer_of(worker), Ran.KEPT), (RAISED, Ran.LET_GO)):
        after, ends = world.send(worker, local._replace(ran=ran), answer, record, moment)
        number = world.locals.number(after)
        yield Move(Kind.ENDS, number, record, broken=broken or ends, reply=answer)


def _sleep(world: World, worker: int, local: Local, step: Step, place: Place) -> Iterator[Move]:
    """Yield the waking of a sleeper, which need not wake before something changes."""
    record, moment, _ = place
    if local.asleep != stamp(record, moment):
        after, broken = world.send(worker, local, None, record, moment)
        yield Move(Kind.WAKES, world.locals.number(after), record, broken=broken)


def has_moves(kind: type) -> bool:
    """Tell whether the events at this kind of step are known."""
    return kind in _MOVES


_MOVES: Final[dict[type, Callable[..., Iterator[Move]]]] = {
    SendClaim: ask,
    Complete: ask,
    Release: ask,
    Read: ask,
    Run: _run,
    Reconcile: _reconcile,
    Examine: _examine,
    Sleep: _sleep,
    Renew: ask,
    Begin: _begin,
    Take: _take,
    Finish: _finish,
}
