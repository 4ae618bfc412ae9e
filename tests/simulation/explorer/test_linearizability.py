"""The explorer's schedules, as callers see them: the code's are explained, mutants' are not."""

from __future__ import annotations

import random

import pytest

from simulation.explorer.events import Kind
from simulation.explorer.moves import Moves
from simulation.explorer.mutations import MUTATIONS
from simulation.explorer.scenarios import EXPIRES_AFTER, LEASE, scenario
from simulation.explorer.search import shortest
from simulation.explorer.sightings import sighted
from simulation.explorer.world import World
from simulation.linearizability import NotLinearizableError, Register, check

ALIKE = ("two", "three", "waiting", "store-clock", "clocks-two", "clocks-three")
EXPLORED = Register(lease=LEASE / 1000, expires_after=EXPIRES_AFTER / 1000, tolerance=2.5)
"""Clocks differ by a second, expiries are in whole seconds, and steps take their time."""


@pytest.mark.parametrize("name", ALIKE)
def test_what_the_explorer_sees_is_explained(name: str) -> None:
    moves, chance = Moves(World(scenario(name))), random.Random(name)
    for _ in range(300):
        state, path = moves.world.initial(), []
        while successors := moves.successors(state):
            # A request that lands after its call has ended belongs to no call that a caller knows.
            choices = [
                number
                for number, (_, move, *_) in enumerate(successors)
                if move.kind not in (Kind.DELAYED, Kind.DOUBLED)
            ]
            path.append(chance.choice(choices))
            state = successors[path[-1]][0]
        check(sighted(moves, tuple(path)), EXPLORED)


SEEN_FROM_OUTSIDE = (
    "owner reused",
    "orphan taken over whoever owns it by now",
    "key released when its answer cannot be recorded",
    "own claim not recognized",
)


@pytest.mark.parametrize("name", SEEN_FROM_OUTSIDE)
def test_what_a_mutant_does_is_not(name: str) -> None:
    [mutation] = [mutation for mutation in MUTATIONS if mutation.name == name]
    moves = Moves(World(mutation.where(), mutation.subject()))
    error = shortest(moves)
    assert error is not None
    with pytest.raises(NotLinearizableError):
        check(sighted(moves, _to_the_end(moves, error.path)), EXPLORED)


def _to_the_end(moves: Moves, path: tuple[int, ...]) -> tuple[int, ...]:
    """Return the schedule, continued with each call undisturbed."""
    state = moves.world.initial()
    for choice in path:
        state = moves.successors(state)[choice][0]
    while (successors := moves.successors(state)) and successors[0][2] is not None:
        state, path = successors[0][0], (*path, 0)
    return path
