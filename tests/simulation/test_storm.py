"""Processes that are killed and stalled at random run each call once on real stores."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulation.histories import Operation, Taken, read, read_steps
from simulation.storm.broken import Break
from simulation.storm.conductor import Fates
from simulation.storm.run import storm
from simulation.storm.verdict import judge
from simulation.storm.worker import Plan, StoreName

PATIENCE = 200.0
"""Seconds."""


def _until(*, strokes: int, calls: int) -> Callable[[Path, Fates], bool]:
    """Return a condition that holds until `strokes` workers were killed and as many stalled, half
    as many troubles have hit the store, a worker was forked and a clock set, and `calls` calls were
    made.
    """
    deadline = time.monotonic() + PATIENCE

    def goes_on(history: Path, fates: Fates) -> bool:
        assert time.monotonic() < deadline, "the storm does not come to its end"
        made = history.read_bytes().count(b'"called":')
        struck = min(fates.killed, fates.stalled, fates.troubled.total() * 2)
        return struck < strokes or not (fates.forked and fates.set) or made < calls

    return goes_on


@pytest.mark.parametrize("store", ["dynamodb", "redis"])
def test_every_effect_and_every_answer_is_explained(store: StoreName) -> None:
    verdict = storm(store, _until(strokes=3, calls=150), seed=20, pause=0.15)
    assert verdict.holds, str(verdict)
    assert verdict.runs > 50
    assert verdict.steps > 50


@pytest.mark.parametrize("way", ["ignores leases", "forgets answers", "forgets steps"])
def test_a_broken_store_is_found_out(way: Break) -> None:
    deadline = time.monotonic() + PATIENCE

    def goes_on(history: Path, fates: Fates) -> bool:
        verdict = judge(read(history), lease=Plan.lease, taken=read_steps(history))
        found_out = not verdict.holds
        return not found_out and time.monotonic() < deadline

    assert not storm("redis", goes_on, seed=20, pause=0.15, broken=way).holds


# The verdict --------------------------------------------------------------------------------------


def _run(name: str, at: float, *, took: float = 0.1, **more: object) -> Operation:
    """Return an executed run of key `k`."""
    told = {
        "ran": at + 0.01,
        "returned": at + took - 0.01,
        "result": name,
        "ended": at + took,
        "ending": "executed",
        "answer": name,
    }
    return Operation(f"k/{name}", at, **{**told, **more})  # type: ignore[arg-type]


DIED: Any = {"returned": None, "result": None, "ended": None, "ending": None, "answer": None}


def test_one_run_and_its_replay_hold() -> None:
    replay = Operation("k/b", 1.0, ended=1.1, ending="replayed", answer="a")
    assert judge([_run("a", 0), replay], lease=1).holds


def test_a_run_after_one_that_died_is_explained_when_the_lease_has_ended() -> None:
    verdict = judge([_run("a", 0, **DIED), _run("b", 1.5)], lease=1)
    assert verdict.holds
    assert (verdict.repeats, verdict.died) == (1, 1)


def test_a_run_within_the_lease_of_one_that_died_is_not_explained() -> None:
    verdict = judge([_run("a", 0, **DIED), _run("b", 0.5)], lease=1)
    assert verdict.unexplained == ["k/b ran after k/a, which had not died"]


def test_a_run_after_a_recorded_answer_is_not_explained() -> None:
    verdict = judge([_run("a", 0), _run("b", 5)], lease=1)
    assert verdict.unexplained == ["k/b ran after k/a, which had not died"]


def test_a_run_after_one_whose_answer_was_reported_lost_is_explained() -> None:
    lost = _run("a", 0, took=3, ending="unrecorded")
    assert judge([lost, _run("b", 1.5)], lease=1).holds


def test_a_run_that_was_stalled_past_its_own_lease_is_explained() -> None:
    stalled = _run("b", 0, took=2.7, ran=2.6, ending="unrecorded")
    assert judge([stalled, _run("a", 2.1)], lease=1).holds


def test_answers_that_differ_are_not_explained() -> None:
    other = Operation("k/b", 1.0, ended=1.1, ending="replayed", answer="another")
    assert not judge([_run("a", 0), other], lease=1).holds


# Steps --------------------------------------------------------------------------------------------


def _taken(call: str, at: float | None, *, got: float | None = None, **more: Any) -> Taken:
    """Return a recorded step of a call of key `k`, which began at a time or was replayed."""
    told = {"value": call, "recorded": True, **more}
    return Taken(f"k/{call}", "charge", at, (at or 0) + 0.1 if got is None else got, **told)


STALLED: Any = _run("b", 0.9, took=0.3)


def test_a_step_and_its_replay_hold() -> None:
    verdict = judge([], lease=1, taken=[_taken("a", 0), _taken("b", None, got=2, value="a")])
    assert verdict.holds
    assert verdict.steps == 2


def test_a_step_with_two_results_does_not_hold() -> None:
    verdict = judge([], lease=1, taken=[_taken("a", 0), _taken("b", None, got=2)])
    assert verdict.repeated_steps == ["step charge of k had the results a and b"]


def test_a_step_that_runs_after_it_was_recorded_does_not_hold() -> None:
    again = _taken("b", 1.0, recorded=False)
    verdict = judge([STALLED], lease=1, taken=[_taken("a", 0), again])
    assert verdict.repeated_steps == ["step charge ran in k/b, and was recorded before"]


def test_a_step_that_began_after_its_lease_is_explained() -> None:
    late = _taken("b", 2.0, recorded=False)
    assert judge([STALLED], lease=1, taken=[_taken("a", 0), late]).holds


def test_a_step_that_is_not_known_to_be_recorded_may_run_again() -> None:
    assert judge([STALLED], lease=1, taken=[_taken("a", 0, recorded=False), _taken("b", 1.0)]).holds


def test_writes_that_took_effect_twice_do_not_hold() -> None:
    assert judge([], lease=1, written={"k": 1}).holds
    assert not judge([], lease=1, written={"k": 2}).holds


def test_a_run_after_one_that_raised_is_explained() -> None:
    raised = _run("a", 0, result=None, ending="raised", answer=None)
    assert judge([raised, _run("b", 0.5)], lease=1).holds
