"""Deliberately broken variants of the code: each is caught, and the test names the invariant."""

from __future__ import annotations

import pytest

from simulation.explorer import invariants
from simulation.explorer.live import Live
from simulation.explorer.moves import Moves
from simulation.explorer.mutations import MUTATIONS, Mutation
from simulation.explorer.prove import find, main, moves_of
from simulation.explorer.search import shortest
from simulation.explorer.timeline import path_in, seed_of, tell
from simulation.explorer.world import World

OWNER_REUSED = """\
two: 2 calls, the store's clock decides
  0.0 s  a  claim is answered: applied                        INPROGRESS a, attempt 1, to 10.0 s
  0.0 s  b  claim is answered: conflict                       INPROGRESS a, attempt 1, to 10.0 s
  0.0 s  b  runs: returns                                     INPROGRESS a, attempt 1, to 10.0 s
BROKEN: no run starts while a live lease is held by another: b runs while a holds its lease"""

each = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)


@each
def test_a_mutant_is_caught(mutation: Mutation) -> None:
    moves = Moves(World(mutation.where(), mutation.subject()))
    error = shortest(moves)
    assert error is not None
    assert error.broken.invariant == mutation.caught_by
    # The schedule that the explorer has found also happens without its tables.
    Live(moves).play(error.path)


def test_every_invariant_catches_something() -> None:
    known = {name: value for name, value in vars(invariants).items() if name.isupper()}
    promises = {value for value in known.values() if isinstance(value, str) and " " in value}
    assert {mutation.caught_by for mutation in MUTATIONS} == promises


def test_a_failing_schedule_reads_as_a_timeline() -> None:
    assert find("owner reused") == OWNER_REUSED


def test_a_seed_tells_the_schedule_again(capsys: pytest.CaptureFixture[str]) -> None:
    error = shortest(moves_of("owner reused"))
    assert error is not None
    seed = seed_of("owner reused", error.path)
    assert path_in(seed) == ("owner reused", error.path)
    assert main([seed]) == 0
    assert capsys.readouterr().out.rstrip() == OWNER_REUSED


def test_a_seed_of_no_choices_is_the_beginning() -> None:
    name, path = path_in("two:")
    assert tell(moves_of(name), path) == "two: 2 calls, the store's clock decides"


@pytest.mark.parametrize("seed", ["", "two", "two:x", "two:1.", "two:-1"])
def test_what_is_no_seed_is_refused(seed: str) -> None:
    with pytest.raises(ValueError, match="not a seed"):
        path_in(seed)


def test_a_seed_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="there are only"):
        tell(moves_of("two"), (99,))


def test_a_seed_of_something_unknown_is_refused() -> None:
    with pytest.raises(KeyError):
        moves_of("four")
