"""The deadline: what is left of a limit, what is kept of it, and for how long."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.net.deadline import Deadline, current, reserve_of


class Clocks:
    """Both clocks of the process, in seconds."""

    steady = 1000.0
    wall = 1_800_000_000.0


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(time, "monotonic", lambda: clocks.steady)
    monkeypatch.setattr(time, "time", lambda: clocks.wall)
    return clocks


@pytest.fixture
def limited(clocks: Clocks) -> Iterator[None]:
    """Limit the test to three seconds."""
    token = deadline.start(3000)
    yield
    deadline.end(token)


@pytest.mark.parametrize(
    ("limit", "reserve"),
    [(900.0, 0.5), (5.0, 0.5), (4.0, 0.4), (1.0, 0.1), (0.0, 0.0), (-1.0, 0.0)],
)
def test_a_tenth_of_a_limit_is_kept_and_at_most_half_a_second(limit: float, reserve: float) -> None:
    assert reserve_of(limit) == pytest.approx(reserve)


def test_a_call_has_its_limit_without_the_reserve(limited: None) -> None:
    assert current(60).left() == pytest.approx(2.7)


def test_an_operation_has_its_own_time_where_that_is_less(limited: None) -> None:
    assert current(2).left() == pytest.approx(2)


def test_without_a_limit_an_operation_has_its_own_time(clocks: Clocks) -> None:
    assert current(5).left() == pytest.approx(5)


def test_a_limit_within_another_keeps_its_reserve(clocks: Clocks, limited: None) -> None:
    clocks.steady += 2
    token = deadline.start(1000)  # what is left of the invocation, at a later step
    assert current(60).left() == pytest.approx(0.7)
    deadline.end(token)


def test_a_longer_limit_within_another_has_the_larger_reserve(limited: None) -> None:
    token = deadline.start(60_000)
    assert current(100).left() == pytest.approx(59.5)
    deadline.end(token)


def test_pauses_leave_the_reserve_of_their_call(limited: None) -> None:
    assert deadline.without_reserve(1000) == 700


def test_pauses_of_a_call_without_a_limit_leave_the_reserve_of_their_time() -> None:
    assert deadline.without_reserve(1000) == 900


def test_after_the_end_of_a_limit_there_is_none(clocks: Clocks) -> None:
    deadline.end(deadline.start(1000))
    assert current(60).left() == pytest.approx(60)


@pytest.mark.parametrize("clock", ["steady", "wall"])
def test_time_passes_while_the_process_is_frozen(clocks: Clocks, clock: str) -> None:
    end = Deadline(5)
    setattr(clocks, clock, getattr(clocks, clock) + 6)
    assert end.left() == pytest.approx(-1)
    with pytest.raises(TimeoutError):
        end.require()


def test_a_clock_that_is_set_back_gives_no_time(clocks: Clocks) -> None:
    end = Deadline(5)
    clocks.steady += 6
    clocks.wall -= 3600
    assert end.left() == pytest.approx(-1)


def test_a_shorter_time_within_a_deadline_comes_first(clocks: Clocks) -> None:
    assert Deadline(5).within(2).left() == pytest.approx(2)
    assert Deadline(2).within(5).left() == pytest.approx(2)
