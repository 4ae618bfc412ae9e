"""Several processes write down what callers saw, and it is read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.clocks import ManualClock
from simulation.histories import Operation, Recorder, operations, read


def test_what_was_written_down_is_read(tmp_path: Path) -> None:
    times = iter(range(6))
    history = Recorder(tmp_path / "history", lambda: next(times))
    history.called("a")
    history.ran("a")
    history.called("b")
    history.returned("a", "1")
    history.ended("a", "executed", "1")
    history.ended("b", "replayed", "1")
    assert read(tmp_path / "history") == (
        Operation("a", 0, 1, 3, "1", 4, "executed", "1"),
        Operation("b", 2, ended=5, ending="replayed", answer="1"),
    )


def test_a_call_that_died_is_known_as_far_as_it_came(tmp_path: Path) -> None:
    history = Recorder(tmp_path / "history", ManualClock(7))
    history.called("a")
    history.ran("a")
    assert read(tmp_path / "history") == (Operation("a", 7, 7),)


@pytest.mark.parametrize(
    "seen",
    [
        [{"name": "a", "ran": 1}],
        [{"name": "a", "called": 1}, {"name": "a", "called": 2}],
        [{"name": "a", "called": 1}, {"name": "a", "ran": 2}, {"name": "a", "ran": 3}],
    ],
)
def test_a_senseless_history_is_refused(seen: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="twice"):
        operations(seen)
