"""The service's clock as a worker knows it, whatever the worker's own clock shows."""

from __future__ import annotations

from email.utils import formatdate
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit.clocks import ProcessClocks
from lambda_idempotency.clients.aws.clock import ClockReading, ServiceClock, SigningClock

HOUR: Final = 3_600_000
SECOND: Final = 1000
EPOCH: Final = 1_800_000_000_000

_OFFSETS = st.integers(-HOUR, HOUR)
_DELAYS = st.integers(0, 5 * SECOND)
_MOMENTS = st.integers(EPOCH, EPOCH + HOUR)


class _Worker:
    """A worker whose clock is `offset` milliseconds behind the service's."""

    def __init__(self, moment: int, offset: int) -> None:
        self._moment = moment
        self._offset = offset
        self.clock = ServiceClock(self._seconds, self._seconds)

    def _seconds(self) -> float:
        # Half a millisecond keeps the float away from the edge of the next whole one.
        return (self._moment + 0.5) / 1000

    @property
    def error(self) -> int:
        """The corrected clock's lead over the service's, in milliseconds."""
        return self.clock.now() - (self._moment + self._offset)

    def wait(self, milliseconds: int) -> None:
        self._moment += milliseconds

    def date(self, there: int, back: int) -> tuple[str, ClockReading]:
        """Return the Date of one response, and the reading before its request. Delays are
        milliseconds.
        """
        sent = self.clock.read()
        self._moment += there
        date = formatdate((self._moment + self._offset) // 1000, usegmt=True)
        self._moment += back
        return date, sent

    def ask(self, there: int = 0, back: int = 0) -> int:
        """Make one request and check its response; return the clock's movement, in milliseconds."""
        return self.clock.check(*self.date(there, back))


# What one response is worth -----------------------------------------------------------------------


@given(moment=_MOMENTS, offset=_OFFSETS, there=_DELAYS, back=_DELAYS)
def test_one_response_corrects_any_clock_to_a_second_and_the_delays(
    moment: int, offset: int, there: int, back: int
) -> None:
    worker = _Worker(moment, offset)
    worker.ask(there, back)
    # Ahead: a Date in the middle of a second, stamped late. Behind: one that arrives late.
    assert -(SECOND + back) < worker.error <= SECOND + there


@given(moment=_MOMENTS, offset=_OFFSETS)
def test_without_delays_one_response_corrects_any_clock_to_a_second(
    moment: int, offset: int
) -> None:
    worker = _Worker(moment, offset)
    worker.ask()
    assert -SECOND < worker.error <= SECOND


@given(moment=_MOMENTS, there=_DELAYS, back=_DELAYS)
def test_a_good_clock_is_never_moved(moment: int, there: int, back: int) -> None:
    worker = _Worker(moment, 0)
    assert worker.ask(there, back) == 0
    assert worker.error == 0


@given(
    moment=_MOMENTS,
    offset=_OFFSETS,
    requests=st.lists(st.tuples(_DELAYS, _DELAYS, _DELAYS), min_size=1, max_size=6),
)
def test_no_response_makes_a_clock_worse(
    moment: int, offset: int, requests: list[tuple[int, int, int]]
) -> None:
    worker = _Worker(moment, offset)
    for pause, there, back in requests:
        before = abs(worker.error)
        worker.ask(there, back)
        assert abs(worker.error) <= before
        worker.wait(pause)


@given(moment=_MOMENTS, offset=_OFFSETS, there=_DELAYS, back=_DELAYS)
def test_a_check_tells_by_how_much_it_moved_the_clock(
    moment: int, offset: int, there: int, back: int
) -> None:
    worker = _Worker(moment, offset)
    before = worker.error
    assert worker.ask(there, back) == worker.error - before


@given(moment=_MOMENTS, offset=_OFFSETS, there=_DELAYS, back=_DELAYS)
def test_what_a_response_proved_once_it_does_not_prove_twice(
    moment: int, offset: int, there: int, back: int
) -> None:
    worker = _Worker(moment, offset)
    date, sent = worker.date(there, back)
    moved = worker.clock.check(date, sent)
    assert worker.clock.check(date, sent) == moved


def test_a_clock_that_was_set_is_followed() -> None:
    worker = _Worker(EPOCH, 0)
    worker.ask()
    worker._offset = 60 * SECOND
    worker.wait(5 * SECOND)
    worker.ask()
    assert -SECOND < worker.error <= SECOND


# A clock that does not run evenly -----------------------------------------------------------------


class _Uneven:
    """A clock whose wall and monotonic time can go apart."""

    def __init__(self) -> None:
        self.clocks = ProcessClocks()
        self.service = ServiceClock(self.clocks.wall, self.clocks.steady)

    def ask(self, *, late: float = 0) -> None:
        """Make a request, whose response is `late` seconds behind the wall clock."""
        sent = self.service.read()
        self.service.check(self.date(late=late), sent)

    def date(self, *, late: float = 0) -> str:
        """Return the Date of a service that is `late` seconds behind the wall clock."""
        return formatdate(int(self.clocks.wall() - late), usegmt=True)

    def error(self, step: float) -> int:
        """Return the milliseconds by which the time is wrong, after the wall clock was set."""
        return self.service.now() - round((self.clocks.wall() - step) * 1000)


@pytest.mark.parametrize("which", ["wall", "steady"])
@pytest.mark.parametrize("seconds", [1.5, 3600, -3600])
def test_a_clock_that_was_set_is_unconfirmed(which: str, seconds: float) -> None:
    uneven = _Uneven()
    uneven.ask()
    getattr(uneven.clocks, which).advance(seconds)
    assert not uneven.service.read().checked


@pytest.mark.parametrize(
    ("which", "seconds"), [("wall", 3600), ("wall", -3600), ("steady", 3600), ("steady", -3600)]
)
def test_of_a_clock_that_was_set_the_later_reading_counts(which: str, seconds: int) -> None:
    uneven = _Uneven()
    uneven.ask()
    before = uneven.service.now()
    getattr(uneven.clocks, which).advance(seconds)
    assert uneven.service.now() == before + max(seconds, 0) * 1000


def test_a_clock_that_runs_evenly_stays_confirmed() -> None:
    uneven = _Uneven()
    uneven.ask()
    for clock, seconds in ((uneven.clocks.wall, 86_400.9), (uneven.clocks.steady, 86_400)):
        clock.advance(seconds)
    assert uneven.service.read().checked


def test_the_next_response_confirms_a_clock_that_was_set() -> None:
    uneven = _Uneven()
    uneven.ask()
    uneven.clocks.wall.advance(3600)
    uneven.ask(late=3600)
    reading = uneven.service.read()
    assert reading.checked
    assert abs(reading.now / 1000 - (uneven.clocks.wall() - 3600)) <= 1


@pytest.mark.parametrize("step", [3600, -3600])
@pytest.mark.parametrize("second", [0.05, 0.5, 0.95])
def test_a_clock_that_was_set_is_as_exact_after_the_next_response(step: int, second: float) -> None:
    uneven = _Uneven()
    uneven.clocks.wall.advance(second)
    uneven.ask()
    uneven.clocks.wall.advance(step)
    uneven.ask(late=step)
    assert abs(uneven.error(step)) <= 1


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_clock_that_was_set_during_a_request_is_as_exact_after_the_next_response(
    step: int,
) -> None:
    uneven = _Uneven()
    uneven.clocks.wall.advance(0.5)
    uneven.ask()
    sent = uneven.service.read()
    uneven.clocks.wall.advance(step)
    uneven.service.check(uneven.date(late=step), sent)
    uneven.ask(late=step)
    assert abs(uneven.error(step)) <= 1


def test_a_process_that_stood_still_goes_by_its_wall_clock() -> None:
    uneven = _Uneven()
    uneven.clocks.wall.advance(0.5)
    uneven.ask()
    uneven.clocks.wall.advance(3600)  # the monotonic clock stood still
    uneven.ask()
    assert abs(uneven.error(0)) <= 1


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_response_across_a_step_shows_the_earliest_time_and_confirms_nothing(
    seconds: int,
) -> None:
    uneven = _Uneven()
    sent, date = uneven.service.read(), uneven.clocks.wall()
    uneven.clocks.wall.advance(seconds)
    uneven.service.check(formatdate(date, usegmt=True), sent)
    reading = uneven.service.read()
    assert reading.now == int(date) * 1000
    assert not reading.checked


@pytest.mark.parametrize("step", [3600, -3600])
def test_after_a_response_across_a_step_the_monotonic_clock_still_has_the_time(step: int) -> None:
    uneven = _Uneven()
    uneven.clocks.wall.advance(0.5)
    uneven.ask()
    sent = uneven.service.read()
    uneven.clocks.wall.advance(step)
    uneven.service.check(uneven.date(late=step), sent)
    assert abs(uneven.error(step)) <= 1


# What a response without a time is worth ----------------------------------------------------------


def test_a_clock_is_unchecked_before_the_first_response() -> None:
    clock = ServiceClock(lambda: EPOCH / 1000)
    clock.now()
    assert not clock.read().checked


def test_a_clock_is_checked_after_the_first_response() -> None:
    worker = _Worker(EPOCH, 0)
    worker.ask()
    assert worker.clock.read().checked


def test_a_response_without_a_date_leaves_the_clock_as_it_is() -> None:
    worker = _Worker(EPOCH, 60 * SECOND)
    assert worker.clock.check(None, worker.clock.read()) == 0
    assert worker.error == -60 * SECOND
    assert worker.clock.read().checked


@given(text=st.text())
@example(text="")
@example(text="yesterday")
@example(text="Fri, 15 Jan 2027")
@example(text="Fri, 99 Foo 2027 08:00:00 GMT")
def test_a_date_that_is_none_leaves_the_clock_as_it_is(text: str) -> None:
    worker = _Worker(EPOCH, 60 * SECOND)
    assert worker.clock.check(text, worker.clock.read()) == 0
    assert worker.error == -60 * SECOND


def test_a_date_beyond_the_calendar_leaves_the_clock_as_it_is() -> None:
    worker = _Worker(EPOCH, 60 * SECOND)
    assert worker.clock.check("Fri, 15 Jan 99999 08:00:00 GMT", worker.clock.read()) == 0
    assert worker.error == -60 * SECOND


def test_a_date_that_is_none_does_not_hide_the_next_one() -> None:
    worker = _Worker(EPOCH, 60 * SECOND)
    worker.clock.check("yesterday", worker.clock.read())
    assert worker.ask() == 60 * SECOND


@pytest.mark.parametrize("offset", [-60 * SECOND, 60 * SECOND])
def test_a_repeated_date_is_used_again(offset: int) -> None:
    worker = _Worker(EPOCH, offset)
    worker.ask()
    worker._offset = 0  # the worker's clock is set
    worker.wait(offset)  # so that the service's time, and its Date, is the same
    worker.ask()
    assert -SECOND < worker.error <= SECOND


# The clock of signatures --------------------------------------------------------------------------


def test_all_requests_that_were_signed_by_a_wrong_clock_are_signed_again() -> None:
    clock = SigningClock(lambda: EPOCH / SECOND)
    signed = clock.now()
    date = formatdate(signed + 600, usegmt=True)
    assert [clock.repair(date, signed) for _ in range(2)] == [True, True]
    assert clock.now() == signed + 600


def test_a_refused_signature_of_the_right_time_is_not_made_again() -> None:
    clock = SigningClock(lambda: EPOCH / SECOND)
    assert not clock.repair(formatdate(clock.now(), usegmt=True), clock.now())
