"""The history that the callers of an explored schedule see."""

from __future__ import annotations

from typing import Any

from lambda_idempotency.protocol.steps import (
    Executed,
    Failed,
    InProgress,
    Outcome,
    Raised,
    Replayed,
    Returned,
)
from simulation.explorer.events import Kind, Move
from simulation.explorer.moves import Moves
from simulation.explorer.scenarios import NAMES, START
from simulation.explorer.timeline import outcome_of
from simulation.explorer.world import State
from simulation.histories import Operation, operations

STEP = 0.001
"""The time of a step, in seconds, so that two steps of one moment still have an order."""


def sighted(moves: Moves, path: tuple[int, ...]) -> tuple[Operation, ...]:
    """Return the history of a schedule."""
    world = moves.world
    state = world.initial()
    seen: list[dict[str, Any]] = []
    for number, choice in enumerate(path):
        after, move, worker, _ = moves.successors(state)[choice]
        now = (world.times[state[0]] - START) / 1000 + number * STEP
        if worker is not None and move.kind not in (Kind.CLOCK, Kind.LANDS, Kind.CRASHES):
            seen += _of(moves, (state, after, move, worker), now)
        state = after
    return operations(seen)


def _of(moves: Moves, happened: tuple[State, State, Move, int], now: float) -> list[dict[str, Any]]:
    state, _, move, worker = happened
    name = NAMES[worker]
    seen: list[dict[str, Any]] = []
    if moves.world.locals[state[5][worker]].node == 0:
        seen.append({"name": name, "called": now})
    if move.kind in (Kind.RUNS, Kind.STALLED):
        kept = isinstance(move.reply, Returned) and move.reply.keep
        result = move.reply.data if kept and isinstance(move.reply, Returned) else None
        seen.append({"name": name, "ran": now, "returned": now, "result": result})
    outcome = outcome_of(moves.world, *happened)
    if outcome is not None:
        seen.append({"name": name, "ended": now, **_ending(outcome, move)})
    return seen


def _ending(outcome: Outcome, move: Move) -> dict[str, Any]:
    if isinstance(outcome, Replayed):
        return {"ending": "replayed", "answer": outcome.record.data}
    if isinstance(outcome, InProgress):
        return {"ending": "busy"}
    if isinstance(outcome, Raised):
        return {"ending": "unrecorded" if isinstance(move.reply, Failed) else "raised"}
    if isinstance(outcome, Executed):
        ending = "unrecorded" if isinstance(move.reply, Failed) else "executed"
        return {"ending": ending, "answer": str(outcome.result)}
    return {"ending": "unavailable"}
