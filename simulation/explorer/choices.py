"""The events that can happen to one worker, by the kind of step that it has reached.

A new kind of step needs one function here, and a line in `_MOVES`; `live.py` plays its replies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias

from lambda_idempotency.protocol.record import Applied, Claim, WritesRefused
from lambda_idempotency.protocol.steps import (
    Complete,
    Examine,
    Failed,
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
from simulation.explorer.backends import Clock
from simulation.explorer.backends import Step as ClockStep
from simulation.explorer.handlers import STEP_FAILED, Begin, Finish, Take
from simulation.explorer.invariants import Broken, of_steps, of_take
from simulation.explorer.scenarios import HOUR
from simulation.explorer.workers import Local, Ran, answer_of, ended
from simulation.explorer.world import Effect, Message, World, stamp


class OutageError(Exception):
    """The error of a store that cannot be reached."""


class HandlerError(Exception):
    """The error of a handler."""


RAISED: Final = Raised(HandlerError())
NOBODY: Final = -1
FAILED: Final = Failed(OutageError(), remaining_ms=60_000)
FAILED_LATE: Final = Failed(OutageError(), remaining_ms=0)
"""An outage with no time left to try again."""


STEPS: Final = tuple(
    ClockStep(hours * HOUR, within) for hours in (1, -1) for within in (False, True)
)
"""The ways in which a clock is set."""

RENEWAL: Final = "renewal"
"""The name of the request that a heartbeat sends, beside the steps of the call."""


class Kind(Enum):
    """The kinds of events, in words for a timeline."""

    ANSWERED = "is answered"
    REFUSED = "is refused, for the sake of its writes"
    LOST = "is lost"
    REPLY_LOST = "takes effect, and its reply is lost"
    TWICE = "is sent twice by the client"
    DELAYED = "is given up, and still under way"
    DOUBLED = "is answered, and a copy is still under way"
    LANDS = "lands late"
    UNSENT = "is not sent, since the invocation has ended"
    UNAWAITED = "is sent as the invocation ends, and not awaited"
    SET_BEFORE = "is answered, by a clock that was set before"
    SET_WITHIN = "is answered, and the clock is set meanwhile"
    BEGINS = "begins to run"
    ENDS = "ends its run"
    TAKES = "is run, as a step"
    RUNS = "runs"
    STALLED = "stalls as it starts, and runs"
    LATE = "does not start, since the lease may have ended"
    LEARNS = "learns what has become of the other execution"
    ASKS = "asks what the dead attempt has done"
    WAKES = "wakes up"
    CRASHES = "crashes"
    TIME = "time passes"
    TTL = "TTL deletes the record"
    CLOCK = "clock is set"


class Told(NamedTuple):
    """What a worker is told of another execution, which has these workers. `gives`: the one whose
    answer is its result."""

    state: str
    workers: tuple[int, ...]
    gives: int | None = None


def is_true(told: Told, workers: list[Local], *, stopped: bool) -> bool:
    """Tell whether it is true of an execution, whose invocations these are. One that was `stopped`,
    or deleted, is invoked no more, and whatever its invocation still does is no end of it."""
    ends = {local.end for local in workers} - {""}
    if told.state == "unknown":
        return True
    if stopped:
        return told.state in ("died", "lost")
    if told.state == "running":
        return not ends
    if told.state == "succeeded":
        return ends == {"succeeded"} and any(local.gives == told.gives for local in workers)
    if told.state == "failed":
        return ends == {"failed"}
    return not ends and all(local.node != 0 for local in workers)


class Move(NamedTuple):
    """An event. `local` and `record` are the worker and the record afterwards."""

    kind: Kind
    local: int = 0
    record: int = 0
    cost: int = 0
    message: int | None = None
    """The message that is under way from then on."""
    runs: bool = False
    commits: bool = False
    broken: Broken | None = None
    reply: StepResult = None
    about: str = ""
    """The thing that it happens to, for a timeline."""
    truth: int | Told | None = None
    """What is told of an execution; or the worker whose effect must have happened, or nobody's.
    None: the event needs neither."""
    step: ClockStep | None = None
    """The way in which the worker's clock is set."""


Place: TypeAlias = tuple[int, int, int]
"""Record, moment and drift: all that a worker's move depends on besides the worker."""


def moves_of(world: World, worker: int, number: int, place: Place) -> Iterator[Move]:
    """Yield all that can happen to a worker next."""
    local = world.locals[number]
    node = world.node(worker, local)
    assert node is not None
    assert node.step is not None
    yield from _MOVES[type(node.step)](world, worker, local, node.step, place)
    if local.renewal is not None:
        yield from _beat(world, worker, local, local.renewal, place)
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


def _ask(world: World, worker: int, local: Local, step: Any, place: Place) -> Iterator[Move]:
    """Yield each fate of a request: answered, lost before or after its effect, or sent twice."""
    record, moment, drift = place
    message = world.message(worker, local, step, moment)
    number = world.messages.number(message)
    none = Effect(None, record, local, committed=False)
    once = world.land(local, message, record, moment=moment, drift=drift)

    def move(
        kind: Kind, *effects: Effect, answer: StepResult, cost: int = 1, under_way: bool = False
    ) -> Move:
        return _answered(
            Move(kind, cost=cost, reply=answer, message=number if under_way else None),
            (world, worker, moment),
            effects,
        )

    if world.scenario.is_over(worker, world.times[moment]):
        if isinstance(step, Complete):
            yield move(Kind.UNAWAITED, none, answer=FAILED_LATE, cost=0, under_way=True)
            yield move(Kind.LOST, none, answer=FAILED_LATE)
        else:
            yield move(Kind.UNSENT, none, answer=FAILED_LATE, cost=0)
        return
    yield move(Kind.ANSWERED, once, answer=once.reply, cost=0)
    if world.scenario.steps:
        yield from _set_around(world, worker, local, message, place)
    if _writes(step) and isinstance(once.reply, Applied):
        refused = none._replace(local=local._replace(ran=Ran.LET_GO))
        yield move(
            Kind.REFUSED, refused, answer=WritesRefused("write 1 of 1 failed", once.reply.now)
        )
    for failed in (FAILED, FAILED_LATE) if isinstance(step, Complete) else (FAILED,):
        yield move(Kind.LOST, none, answer=failed)
        if not isinstance(step, Read):
            yield move(Kind.REPLY_LOST, once, answer=failed)
            yield move(Kind.DELAYED, none, answer=failed, under_way=True)
    if not isinstance(step, Read):
        twice = world.land(once.local, message, once.record, moment=moment, drift=drift)
        yield move(Kind.TWICE, once, twice, answer=twice.reply)
        yield move(Kind.DOUBLED, once, answer=once.reply, under_way=True)


def _writes(step: Any) -> bool:
    """Tell whether a request has writes of the business."""
    if isinstance(step, Complete):
        return bool(step.completion.writes)
    return isinstance(step, Renew) and bool(step.claim.writes)


def _set_around(
    world: World, worker: int, local: Local, message: Message, place: Place
) -> Iterator[Move]:
    """Yield the answers to a request before which, or during which, the clock is set."""
    record, moment, _ = place
    for step in STEPS:
        effect, clock = world.land_across(local, message, record, moment=moment, step=step)
        kind = Kind.SET_WITHIN if step.within else Kind.SET_BEFORE
        move = Move(kind, cost=1, reply=effect.reply, step=step)
        yield _answered(move, (world, worker, moment), (effect,), clock)


def _beat(world: World, worker: int, local: Local, renewal: Claim, place: Place) -> Iterator[Move]:
    """Yield each fate of a renewal. A driver sends them whenever its clock says so; one that would
    change nothing is left out."""
    record, moment, drift = place
    message = world.message(worker, local, Renew(renewal), moment)
    number = world.messages.number(message)
    once = world.land(local, message, record, moment=moment, drift=drift)
    if isinstance(once.reply, Applied):
        told = once.local._replace(renewed=once.reply.now)
    else:
        told = local._replace(renewal=None)
    told = told._replace(confirmed=world.scenario.worker_clocks)

    def move(kind: Kind, after: Local, stored: int, cost: int, under_way: int | None) -> Move:
        return Move(
            kind,
            world.locals.number(after),
            stored,
            cost,
            under_way,
            broken=once.broken if stored != record else None,
            reply=once.reply if after is told else None,
            about=RENEWAL,
        )

    if (told, once.record) != (local, record):
        yield move(Kind.ANSWERED, told, once.record, 0, None)
    if once.record != record:
        yield move(Kind.REPLY_LOST, once.local, once.record, 1, None)
    yield move(Kind.DELAYED, local, record, 1, number)
    yield move(Kind.DOUBLED, told, once.record, 1, number)


def _answered(
    move: Move,
    place: tuple[World, int, int],
    effects: tuple[Effect, ...],
    clock: Clock | None = None,
) -> Move:
    """Return the move of a worker that goes on with its reply, after these effects. `clock` is its
    own afterwards, if it was set."""
    world, worker, moment = place
    last = effects[-1]
    local = last.local._replace(sent=world.times[moment])
    step = world.automata[worker].nodes[local.node].step
    assert isinstance(step, SendClaim | Renew | Complete | Release | Read)
    if isinstance(move.reply, Failed):
        unprotected = world.scenario.calls[worker].fail_open and isinstance(step, SendClaim)
        local = local._replace(unprotected=local.unprotected or unprotected)
    else:
        local = local._replace(confirmed=world.scenario.worker_clocks)
    if clock is not None:
        local = local._replace(skew=clock.wrong, confirmed=clock.confirmed)
    after, broken = world.send(worker, local, move.reply, last.record, moment)
    return move._replace(
        local=world.locals.number(after),
        record=last.record,
        commits=any(effect.committed for effect in effects),
        broken=next((effect.broken for effect in effects if effect.broken is not None), broken),
        about=name_of(step),
    )


def has_moves(kind: type) -> bool:
    """Tell whether the events at this kind of step are known."""
    return kind in _MOVES


def name_of(step: SendClaim | Renew | Complete | Release | Read) -> str:
    """Return the name of a request."""
    if isinstance(step, Renew):
        return "recovery point" if step.claim.lease_ms else "give-up"
    taking_over = isinstance(step, SendClaim) and step.seen is not None
    return "take-over" if taking_over else type(step).__name__.removeprefix("Send").lower()


_MOVES: Final[dict[type, Callable[..., Iterator[Move]]]] = {
    SendClaim: _ask,
    Complete: _ask,
    Release: _ask,
    Read: _ask,
    Run: _run,
    Reconcile: _reconcile,
    Examine: _examine,
    Sleep: _sleep,
    Renew: _ask,
    Begin: _begin,
    Take: _take,
    Finish: _finish,
}
