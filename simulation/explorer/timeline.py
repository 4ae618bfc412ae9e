"""A schedule as a timeline for people, and as a seed that leads there again."""

from __future__ import annotations

from typing import Final

from lambda_idempotency.protocol.record import Absent, Applied, Conflict, Record
from lambda_idempotency.protocol.steps import (
    Executed,
    Failed,
    Outcome,
    Raised,
    Replayed,
    Returned,
    StepResult,
)
from simulation.explorer.events import Kind, Move
from simulation.explorer.invariants import CIRCLE
from simulation.explorer.moves import Moves
from simulation.explorer.probes import Probes
from simulation.explorer.scenarios import NAMES, START
from simulation.explorer.world import State, World

_AROUND: Final = "."


def seed_of(name: str, path: tuple[int, ...]) -> str:
    """Return a schedule as text: the name of what is explored, and the number of each choice."""
    return f"{name}:{'.'.join(map(str, path))}"


def path_in(seed: str) -> tuple[str, tuple[int, ...]]:
    """Return the name and the choices in a seed. Raise ValueError if it is not a seed."""
    name, _, choices = seed.rpartition(":")
    if not name or not all(choice.isdecimal() for choice in choices.split(".") if choices):
        raise ValueError(f"{seed!r} is not a seed; expected one such as 'two:0.3.1'")
    return name, tuple(map(int, choices.split("."))) if choices else ()


def tell(moves: Moves, path: tuple[int, ...]) -> str:
    """Return the schedule, a line for each choice, and what it breaks. Raise ValueError if it leads
    nowhere."""
    world = moves.world
    lines = [_heading(world)]
    state, broken = world.initial(), None
    seen = {state}
    probes = Probes(world)
    for choice in path:
        successors = moves.successors(state)
        if choice >= len(successors):
            raise ValueError(f"choice {choice} of {path}: there are only {len(successors)}")
        after, move, worker, found = successors[choice]
        lines.append(_line(world, state, after, move, worker))
        broken = found or probes.of_state(after) or (CIRCLE if after in seen else None)
        seen.add(after)
        state = after
    if broken is not None:
        lines.append(f"BROKEN: {broken.invariant}: {broken.why}")
    return "\n".join(lines)


def _heading(world: World) -> str:
    decides = "the worker's clock" if world.scenario.worker_clocks else "the store's clock"
    calls = len(world.scenario.calls)
    return f"{world.scenario.name}: {calls} calls, {decides} decides"


def _line(world: World, before: State, after: State, move: Move, worker: int | None) -> str:
    who = _AROUND if worker is None else NAMES[worker]
    words = [move.about, move.kind.value]
    if move.kind is Kind.CLOCK:
        words.reverse()
    reply = _reply(move.reply)
    what = " ".join(filter(None, words)) + (f": {reply}" if reply else "")
    outcome = None if worker is None else outcome_of(world, before, after, move, worker)
    if outcome is not None:
        what += f"; {who} ends: {_ending(outcome)}"
    moment = (world.times[after[0]] - START) / 1000
    return f"{moment:5.1f} s  {who}  {what:<48}  {_record(world.records[after[1]])}".rstrip()


def _reply(reply: StepResult) -> str:
    if isinstance(reply, Applied):
        return "applied"
    if isinstance(reply, Conflict):
        return "conflict"
    if isinstance(reply, Absent):
        return "nothing there"
    if isinstance(reply, Raised):
        return "raises"
    if isinstance(reply, Returned):
        return "returns" if reply.keep else "returns what is not kept"
    if isinstance(reply, Failed) and reply.remaining_ms == 0:
        return "no time is left"
    return ""


def outcome_of(
    world: World, before: State, after: State, move: Move, worker: int
) -> Outcome | None:
    """Return the outcome of a worker's call, if this is its end."""
    local = world.locals[before[5][worker]]
    ends = local.node >= 0 > world.locals[after[5][worker]].node
    if not ends or move.kind is Kind.CRASHES:
        return None
    automaton = world.automata[worker]
    return automaton.nodes[automaton.send(local.node, move.reply)].outcome


def _ending(outcome: Outcome) -> str:
    if isinstance(outcome, Executed):
        return f"Executed, {outcome.result}"
    if isinstance(outcome, Replayed):
        return f"Replayed, {outcome.record.data!r}"
    return type(outcome).__name__


def _record(record: Record | None) -> str:
    if record is None:
        return "-"
    name = record.owner[0]
    ends = (record.lease_end or record.expiration * 1000) - START
    if record.given_up:
        return f"{record.status} {name}, attempt {record.attempt}, given up"
    return f"{record.status} {name}, attempt {record.attempt}, to {ends / 1000:.1f} s"
