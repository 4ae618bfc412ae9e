"""Every interleaving of a few calls, with everything that can go wrong: a part of `make prove`."""

from __future__ import annotations

import random
from functools import cache
from typing import get_args

import pytest

from lambda_idempotency.protocol.steps import Emit, Step
from simulation.explorer.choices import has_moves
from simulation.explorer.events import Kind
from simulation.explorer.live import Live
from simulation.explorer.moves import Moves
from simulation.explorer.scenarios import LEASES, SCENARIOS, Scenario, calls, scenario
from simulation.explorer.search import explore, shortest
from simulation.explorer.world import State, World

TINY = Scenario("tiny", calls(2), faults=1, seconds=LEASES[:2])

each = pytest.mark.parametrize("name", [found.name for found in SCENARIOS])


THREE_MOMENTS = ("waiting", "commits", "store-clock")
NO_FAULTS = ("executions-reconciling",)


def _part(name: str) -> Moves:
    """Return the smallest part in which each mutant breaks a promise that breaks one with a fault
    and three moments.
    """
    faults = 0 if name in NO_FAULTS else 1
    moments = 3 if name in THREE_MOMENTS else 2
    return Moves(World(scenario(name).smaller(faults=faults, moments=moments)))


@each
def test_every_schedule_keeps_every_promise(name: str) -> None:
    covered = explore(_part(name))
    assert covered.schedules > 10 * covered.states > 1000


def test_breadth_first_finds_nothing_either() -> None:
    assert shortest(Moves(World(TINY))) is None


# Is what is explored what happens? ----------------------------------------------------------------


def _walk(moves: Moves, chance: random.Random) -> tuple[int, ...]:
    """Return one random schedule."""
    state, path = moves.world.initial(), []
    while successors := moves.successors(state):
        path.append(chance.randrange(len(successors)))
        state = successors[path[-1]][0]
    return tuple(path)


@each
def test_what_is_looked_up_is_what_happens(name: str) -> None:
    moves, chance = Moves(World(scenario(name))), random.Random(name)
    for _ in range(100):
        Live(moves).play(_walk(moves, chance))


def test_everything_that_can_happen_does() -> None:
    seen = set()
    for found in SCENARIOS:
        moves, chance = Moves(World(found)), random.Random(0)
        for _ in range(100):
            state = moves.world.initial()
            while successors := moves.successors(state):
                state, move, _, _ = chance.choice(successors)
                seen.add(move.kind)
    assert seen == set(Kind)


def _count(moves: Moves, state: State) -> tuple[int, set[State]]:
    """Return the number of schedules from a state, and their states, by following each to its
    end.
    """
    successors = moves.successors(state)
    schedules, states = 0 if successors else 1, {state}
    for after, *_ in successors:
        more, seen = _count(moves, after)
        schedules += more
        states |= seen
    return schedules, states


def test_states_that_are_visited_once_hide_no_schedule() -> None:
    moves = Moves(World(TINY))
    schedules, states = _count(moves, moves.world.initial())
    covered = explore(Moves(World(TINY)))
    assert (covered.schedules, covered.states) == (schedules, len(states))
    assert schedules > 10_000


def test_every_kind_of_step_can_be_explored() -> None:
    assert {kind for kind in get_args(Step) if not has_moves(kind)} == {Emit}


def test_more_faults_are_a_larger_space() -> None:
    @cache
    def states(faults: int) -> int:
        return explore(Moves(World(TINY.smaller(faults=faults, moments=2)))).states

    assert states(0) < states(1)


# What is assumed ----------------------------------------------------------------------------------


def test_clocks_differ_by_no_more_than_is_stated() -> None:
    for found in SCENARIOS:
        assert max(found.skews) - min(found.skews) <= 1000


def test_a_skewed_worker_judges_leases_before_and_after_their_end() -> None:
    """A lease that a slow clock has written ends a second early for a fast one."""
    world = World(scenario("clocks-two"))
    fast, slow = (world.locals[number] for number in reversed(world.initial()[5]))
    assert world.now(fast, 1, 0) - world.now(slow, 1, 0) == 1000
