"""A search of the whole space, depth first; and of the shortest way to a broken invariant."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from simulation.explorer.invariants import CIRCLE, Broken
from simulation.explorer.moves import Moves, Successor
from simulation.explorer.probes import Probes
from simulation.explorer.world import State

_OPEN: Final = -1


@dataclass(frozen=True)
class Covered:
    """The extent of a search."""

    states: int
    steps: int
    """Choices, over all states."""
    schedules: int
    """Ways from the beginning to an end, each a different sequence of choices."""
    longest: int
    """Choices on the longest way."""

    def plus(self, other: Covered) -> Covered:
        """Return the sum of both."""
        return Covered(
            self.states + other.states,
            self.steps + other.steps,
            self.schedules + other.schedules,
            max(self.longest, other.longest),
        )


class BrokenError(AssertionError):
    """An invariant does not hold at the end of this path of choices."""

    def __init__(self, broken: Broken, path: tuple[int, ...]) -> None:
        super().__init__(f"{broken.invariant}: {broken.why}")
        self.broken = broken
        self.path = path


@dataclass(slots=True)
class _Visit:
    """A state on the way, whose successors are visited one after the other."""

    state: State
    successors: list[Successor]
    taken: int = 0
    schedules: int = 0
    longest: int = 0


def explore(moves: Moves) -> Covered:
    """Visit every state once and check every step. Raise `BrokenError`."""
    probes = Probes(moves.world)
    steps = 0
    known: dict[State, tuple[int, int]] = {}
    way: list[_Visit] = []

    def enter(state: State) -> None:
        nonlocal steps
        if (broken := probes.of_state(state)) is not None:
            raise BrokenError(broken, tuple(visit.taken - 1 for visit in way))
        successors = moves.successors(state)
        steps += len(successors)
        known[state] = (_OPEN, 0)
        way.append(_Visit(state, successors))

    enter(moves.world.initial())
    while True:
        visit = way[-1]
        if visit.taken < len(visit.successors):
            state, _, _, broken = visit.successors[visit.taken]
            visit.taken += 1
            if broken is not None:
                raise BrokenError(broken, tuple(visit.taken - 1 for visit in way))
            if state not in known:
                enter(state)
                continue
            schedules, longest = known[state]
            if schedules == _OPEN:
                raise BrokenError(CIRCLE, tuple(visit.taken - 1 for visit in way))
        else:
            way.pop()
            schedules, longest = visit.schedules or 1, visit.longest
            known[visit.state] = (schedules, longest)
            if not way:
                return Covered(len(known), steps, schedules, longest)
            visit = way[-1]
        visit.schedules += schedules
        visit.longest = max(visit.longest, longest + 1)


def shortest(moves: Moves, *, depth: int | None = None) -> BrokenError | None:
    """Search breadth first, up to `depth` choices. Return the shortest schedule that breaks
    something, or None. The only circles it sees are those of one choice."""
    probes = Probes(moves.world)
    start = moves.world.initial()
    came: dict[State, tuple[State, int] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        if depth is not None and len(_path(came, state)) >= depth:
            return None
        for index, (after, _, _, broken) in enumerate(moves.successors(state)):
            found = CIRCLE if after == state else broken
            if after not in came:
                came[after] = (state, index)
                waiting.append(after)
                found = found or probes.of_state(after)
            if found is not None:
                return BrokenError(found, (*_path(came, state), index))
    return None


def _path(came: dict[State, tuple[State, int] | None], state: State) -> tuple[int, ...]:
    path: list[int] = []
    while (before := came[state]) is not None:
        state, index = before
        path.append(index)
    return tuple(reversed(path))
