"""The service's time, as far as a client can know it."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate
from typing import Final

MAX_SKEW: Final = 1000
"""The difference between two workers' clocks that leases allow for, milliseconds."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the clock: epoch milliseconds, the correction in them, and whether a response
    has confirmed it. An unconfirmed clock must not decide what has expired."""

    now: int
    offset: int
    checked: bool


class ServiceClock:
    """The worker's clock, kept within what the Date headers of the service's responses allow.

    A Date header has whole seconds, so a response received at `r` to a request sent at `s` proves
    that the service's clock is ahead by something from `date - r` to `date + 1 s - s`. The
    correction is only ever moved to the nearest end of that interval: a good clock stays as it is.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._offset = 0
        self._checked = False
        self._header: tuple[str | None, int] = (None, 0)

    def look(self) -> Look:
        """The time before a request, to be handed to `check` after it."""
        # Another thread may correct the clock at any moment: what it had confirmed comes first.
        checked, offset = self._checked, self._offset
        return Look(int(self._clock() * 1000) + offset, offset, checked)

    def now(self) -> int:
        """Epoch milliseconds."""
        return self.look().now

    def check(self, date: str | None, sent: Look) -> int:
        """Corrects the clock by a response's Date; `sent` is the look before the request.

        Returns by how much the clock has moved since that look, in milliseconds.
        """
        served = None if date is None else self._parsed(date)
        if served is not None:
            least = served - int(self._clock() * 1000)
            most = served + 1000 - (sent.now - sent.offset)
            self._offset = min(max(self._offset, least), max(least, most))
        self._checked = True
        return self._offset - sent.offset

    def _parsed(self, date: str) -> int | None:
        text, served = self._header
        if text != date:
            try:
                fields = parsedate(date)
                served = calendar.timegm(fields) * 1000  # type: ignore[arg-type]  # None raises
            except (TypeError, ValueError, OverflowError):
                return None
            self._header = (date, served)
        return served
