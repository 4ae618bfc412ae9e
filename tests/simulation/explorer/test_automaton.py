"""The states of a generator: two are one exactly if they behave the same."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from lambda_idempotency.protocol.machine import run_once
from lambda_idempotency.protocol.record import Absent, Applied
from lambda_idempotency.protocol.steps import Executed, InProgress, Returned, Run
from simulation.explorer.automaton import Automaton, fingerprint
from simulation.explorer.requests import FAILED
from simulation.explorer.scenarios import LEASE, calls

[CALL] = calls(1)


def test_replies_of_two_kinds_are_two_replies() -> None:
    done: tuple[Any, ...] = Applied(1)
    assert done == Absent(1)
    assert fingerprint(Applied(1)) != fingerprint(Absent(1))


def test_true_is_not_one() -> None:
    assert fingerprint((True,)) != fingerprint((1,))


def test_equal_values_have_one_fingerprint() -> None:
    assert fingerprint((Applied(1), ["a"], {"b": None})) == fingerprint(
        (Applied(1), ["a"], {"b": None})
    )


def _after(generator: Iterator[Any], steps: int) -> Any:
    for _ in range(steps):
        next(generator)
    return fingerprint(generator)


def _twice() -> Iterator[int]:
    for pause in (1, 1):
        yield -pause


def _nested() -> Iterator[int]:
    yield from _twice()


def _kept(value: int) -> Iterator[int]:
    kept = value
    yield 0
    yield kept


@pytest.mark.parametrize("make", [_twice, _nested])
def test_where_a_loop_stands_is_a_part_of_the_state(make: Any) -> None:
    assert _after(make(), 1) == _after(make(), 1)
    assert _after(make(), 1) != _after(make(), 2)


def test_local_variables_are_a_part_of_the_state() -> None:
    assert _after(_kept(1), 1) == _after(_kept(1), 1)
    assert _after(_kept(1), 1) != _after(_kept(2), 1)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(AssertionError, match="a set in a generator's state"):
        fingerprint({1})


def test_the_automaton_goes_where_the_generator_goes() -> None:
    automaton = Automaton(run_once, CALL)
    claimed = automaton.send(0, Applied(1000))
    assert automaton.nodes[claimed].step == Run(1, LEASE)
    completing = automaton.send(claimed, Returned("x", '"x"'))
    done = automaton.send(completing, Applied(1000))
    assert automaton.nodes[done].outcome == Executed("x")


def test_two_ways_to_one_state_are_one_node() -> None:
    automaton = Automaton(run_once, CALL)
    claimed = automaton.send(0, Applied(1000))
    completing = automaton.send(claimed, Returned("x", '"x"'))
    asleep = automaton.send(completing, FAILED)
    ends = (
        automaton.send(completing, Applied(1000)),
        automaton.send(automaton.send(asleep, None), Applied(1000)),
    )
    assert ends[0] == ends[1]
    assert len(automaton.nodes) == 6


def test_an_edge_is_computed_once() -> None:
    started: list[Any] = []

    def start(call: Any) -> Generator[Any, Any, Any]:
        started.append(call)
        return run_once(call)

    automaton = Automaton(start, CALL)
    for _ in range(3):
        automaton.send(0, Applied(1000))
    assert len(started) == 2


def test_outcomes_of_two_kinds_are_two_nodes() -> None:
    def start(_: Any) -> Generator[Any, Any, Any]:
        now = yield Run(1)
        return Executed(now) if isinstance(now, Applied) else InProgress(now, 0)

    automaton = Automaton(start, CALL)
    assert automaton.send(0, Applied(1)) != automaton.send(0, Absent(1))
