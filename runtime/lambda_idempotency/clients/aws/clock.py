"""The service's clock, as far as a client can know it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeAlias

from ...tuples import NamedTuple
from ..net.elapsed import Moment

MAX_SKEW_MS: Final = 1000
"""Milliseconds by which two workers' clocks may differ: leases allow for that much."""


class ClockReading(NamedTuple):
    """One reading of the clock: `now` in epoch milliseconds, corrected.

    `checked` tells whether a response has confirmed the clock. An unconfirmed clock must not decide
    what has expired. `moment` is that of the reading.
    """

    now: int
    checked: bool
    moment: Moment


_Known: TypeAlias = tuple[Moment, int]
"""The moment of the last response that confirmed the clock, and the service's time then, in epoch
milliseconds."""


class SigningClock:
    """The worker's clock, for signatures: a service accepts those that are minutes off
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html), and
    tells by its Date how far another one is off."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ahead = 0
        """The seconds by which the service's clock is ahead of the worker's."""

    def now(self) -> int:
        """Return the epoch seconds."""
        return int(self._clock()) + self._ahead

    def repair(self, date: str | None, signed: int) -> bool:
        """Set the clock by the Date of a response that refuses a signature of the time `signed`.
        Tell whether that was wrong; another request may have set the clock since."""
        try:
            served = _milliseconds(date or "") // 1000
        except ValueError:
            return False
        self._ahead = served - int(self._clock())
        return abs(served - signed) > MAX_SKEW_MS // 1000


class ServiceClock:
    """The worker's clock, kept within the limits that the service's Date headers set.

    A Date header has whole seconds. So a response received at `r` to a request sent at `s` proves
    that the service's clock is ahead by something between `date - r` and `date + 1 s - s`. The
    correction only moves to the nearest end of that interval: a good clock stays as it is.

    A response confirms the clock only as long as it runs evenly. Where the wall clock and the
    monotonic one have since gone apart, one of them was set or stood still, and nobody knows which
    (a sandbox is frozen between two invocations; a SnapStart image is weeks old). Then the later of
    both counts: what is written lasts too long rather than not long enough.

    The next response then tells which of them went wrong. If that was the wall clock, the monotonic
    one still knows the time as well as before: the limits alone would leave it a second off.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._steady = steady
        self._offset = 0
        self._confirmed: Moment | None = None
        """The moment of the response that has confirmed the clock."""
        self._known: _Known | None = None
        self._header: tuple[str | None, int] = (None, 0)

    def read(self) -> ClockReading:
        """Read the clock before a request; give the reading to `check` after it."""
        # Another thread may correct the clock meanwhile; it sets `_confirmed` last: read it first.
        confirmed, known, offset = self._confirmed, self._known, self._offset
        moment = (self._steady(), self._clock())
        now = int(moment[1] * 1000) + offset
        checked = confirmed is not None and _runs_evenly(confirmed, moment)
        if known is not None and not checked:
            now = max(now, _by_steady(known, moment))
        return ClockReading(now, checked, moment)

    def now(self) -> int:
        """Return the epoch milliseconds."""
        return self.read().now

    def check(self, date: str | None, sent: ClockReading) -> int:
        """Correct the clock by a response's Date; `sent` is the reading before the request.

        Return the milliseconds by which that reading was behind, as it is known now.
        """
        served = None if date is None else self._parsed(date)
        received = (self._steady(), self._clock())
        even = _runs_evenly(sent.moment, received)
        if served is not None:
            least = served - int(received[1] * 1000)
            # Across a step the reading before it bounds nothing: the earliest time expires nothing.
            most = served + 1000 - int(sent.moment[1] * 1000) if even else least
            estimate = self._estimate(received, least, most)
            if not least <= estimate <= most:
                estimate = min(max(estimate, least), max(least, most))
            self._offset = estimate
        if even:
            self._known = received, int(received[1] * 1000) + self._offset
        self._confirmed = received if even else None
        return int(sent.moment[1] * 1000) + self._offset - sent.now

    def _estimate(self, received: Moment, least: int, most: int) -> int:
        """Return the correction: by the monotonic clock where the wall clock was set, and that one
        agrees with the response."""
        if self._known is None or _runs_evenly(self._known[0], received):
            return self._offset
        by_steady = _by_steady(self._known, received) - int(received[1] * 1000)
        return by_steady if least <= by_steady <= most else self._offset

    def _parsed(self, date: str) -> int | None:
        text, served = self._header
        if text != date:
            try:
                served = _milliseconds(date)
            except ValueError:
                return None
            self._header = (date, served)
        return served


def _by_steady(known: _Known, moment: Moment) -> int:
    """Return the time that the monotonic clock has, epoch milliseconds."""
    (steady, _), now = known
    return now + int((moment[0] - steady) * 1000)


_SKEW_S: Final = (MAX_SKEW_MS + 1) / 1000
"""The seconds by which the clocks may not go apart: whole milliseconds count."""


def _runs_evenly(begin: Moment, end: Moment) -> bool:
    """Tell whether both clocks say that the same time has passed. Else the wall clock was set, or
    the process stood still."""
    apart = (end[1] - begin[1]) - (end[0] - begin[0])
    return -_SKEW_S < apart < _SKEW_S


def _milliseconds(date: str) -> int:
    """Return the epoch milliseconds of an IMF-fixdate (RFC 9110 section 5.6.7). Raises ValueError.

    The standard library's parsers would cost 20 ms: they import the mail package and `calendar`.
    """
    _, day, month, year, clock, zone = date.split(" ")
    if zone != "GMT" or len(year) != 4:
        raise ValueError
    y, m, d = int(year), _MONTHS.index(month) + 1, int(day)
    hour, minute, second = (int(part) for part in clock.split(":"))
    if not (1 <= d <= 31 and 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second <= 60):
        raise ValueError
    # The days since the epoch, counted in years that begin in March.
    y, m = (y - 1, m + 9) if m < 3 else (y, m - 3)
    days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * m + 2) // 5 + d - 719_469
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000


_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)
