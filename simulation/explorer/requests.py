"""The fates of a request: answered, lost before or after its effect, doubled, sent twice, late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lambda_idempotency.protocol.record import Applied, Claim, WritesRefused
from lambda_idempotency.protocol.steps import (
    Complete,
    Failed,
    Read,
    Release,
    Renew,
    SendClaim,
    StepResult,
)
from simulation.explorer.backends import Clock
from simulation.explorer.backends import Step as ClockStep
from simulation.explorer.events import Kind, Move, Place
from simulation.explorer.scenarios import HOUR
from simulation.explorer.workers import Local, Ran
from simulation.explorer.world import Effect, Message, World


class OutageError(Exception):
    """The error of a store that cannot be reached."""


FAILED: Final = Failed(OutageError(), remaining_ms=60_000)
FAILED_LATE: Final = Failed(OutageError(), remaining_ms=0)
"""An outage with no time left to try again."""

STEPS: Final = tuple(
    ClockStep(hours * HOUR, within) for hours in (1, -1) for within in (False, True)
)
"""The ways in which a clock is set."""

RENEWAL: Final = "renewal"
"""The name of the request that a heartbeat sends, beside the steps of the call."""


def ask(world: World, worker: int, local: Local, step: Any, place: Place) -> Iterator[Move]:
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


def beat(world: World, worker: int, local: Local, renewal: Claim, place: Place) -> Iterator[Move]:
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


def name_of(step: SendClaim | Renew | Complete | Release | Read) -> str:
    """Return the name of a request."""
    if isinstance(step, Renew):
        return "recovery point" if step.claim.lease_ms else "give-up"
    taking_over = isinstance(step, SendClaim) and step.seen is not None
    return "take-over" if taking_over else type(step).__name__.removeprefix("Send").lower()
