"""`make prove`: every scenario, whole; every mutant; the states covered, and the time.

`make replay SEED=...` prints the schedule that a seed stands for.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from simulation.explorer.moves import Moves
from simulation.explorer.mutations import MUTATIONS
from simulation.explorer.scenarios import SCENARIOS, scenario
from simulation.explorer.search import BrokenError, Covered, explore, shortest
from simulation.explorer.timeline import path_in, seed_of, tell
from simulation.explorer.world import World


@dataclass(frozen=True)
class Result:
    """The result of one scenario; `broken` is the timeline of a broken invariant."""

    name: str
    seconds: float
    """CPU time."""
    covered: Covered | None
    broken: str = ""


def prove(name: str) -> Result:
    """Explore a scenario to its end."""
    gc.disable()  # millions of tuples, without cycles
    started = time.process_time()
    try:
        covered = explore(Moves(World(scenario(name))))
    except BrokenError as error:
        return Result(name, time.process_time() - started, None, _told(name, error))
    return Result(name, time.process_time() - started, covered)


def find(name: str) -> str:
    """Return the timeline of the shortest schedule that breaks a mutant; empty if none does."""
    moves = moves_of(name)
    error = shortest(moves)
    return "" if error is None else tell(moves, error.path)


def moves_of(name: str) -> Moves:
    """Return the moves of the scenario or mutation of this name. Raise KeyError if unknown."""
    mutations = {mutation.name: mutation for mutation in MUTATIONS}
    if name in mutations:
        return Moves(World(mutations[name].where(), mutations[name].subject()))
    return Moves(World(scenario(name)))


def _told(name: str, error: BrokenError) -> str:
    """Return the timeline of the error, or of a shorter schedule if there is one."""
    moves = moves_of(name)
    error = shortest(moves) or error
    seed = seed_of(name, error.path)
    return f"{tell(moves, error.path)}\nTell it again: make replay SEED='{seed}'"


def _lines(results: list[Result]) -> Iterator[str]:
    yield f"{'':16}{'states':>12}{'steps':>14}{'schedules':>12}{'longest':>9}{'CPU, s':>9}"
    total = Covered(0, 0, 0, 0)
    for result in results:
        if (covered := result.covered) is not None:
            total = total.plus(covered)
            yield _line(result.name, covered, result.seconds)
    yield _line("total", total, sum(result.seconds for result in results))


def _line(name: str, covered: Covered, seconds: float) -> str:
    return (
        f"{name:16}{covered.states:>12,}{covered.steps:>14,}{covered.schedules:>12.1e}"
        f"{covered.longest:>9}{seconds:>9.1f}"
    )


def main(arguments: list[str]) -> int:
    """Return the exit status: 0 if everything holds and every mutant is caught."""
    if arguments:
        for seed in arguments:
            name, path = path_in(seed)
            print(tell(moves_of(name), path))
        return 0
    names = [found.name for found in SCENARIOS]
    with ProcessPoolExecutor(os.cpu_count(), max_tasks_per_child=1) as pool:
        results = list(pool.map(prove, names))
    print("\n".join(_lines(results)))
    ok = True
    for result in results:
        if result.broken:
            ok = False
            print(f"\n{result.broken}")
    print()
    for mutation in MUTATIONS:
        found = find(mutation.name).rpartition("BROKEN: ")[2]
        caught = found.startswith(mutation.caught_by)
        ok = ok and caught
        print(f"{'caught' if caught else 'MISSED'}  {mutation.name}: {found or 'by nothing'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
