"""The service's time, as far as a client can know it."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable
from email.utils import parsedate
from typing import Final

MAX_SKEW: Final = 1000
"""The difference between two workers' clocks that leases allow for, milliseconds."""


class ServiceClock:
    """The worker's clock, kept within what the Date headers of the service's responses allow.

    A Date header has whole seconds, so a response received at `r` to a request sent at `s` proves
    that the service's clock is ahead by something from `date - r` to `date + 1 s - s`. The
    correction is only ever moved to the nearest end of that interval: a good clock stays as it is.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._offset = 0
        self._header: tuple[str, int] = ("", 0)
        self.checked = False
        """False until the first response: an unchecked clock must not decide what has expired."""

    def now(self) -> int:
        """Epoch milliseconds."""
        return int(self._clock() * 1000) + self._offset

    def check(self, date: str | None, sent: int) -> int:
        """Corrects the clock by a response's Date; `sent` is what `now` was before the request.

        Returns by how much it moved, in milliseconds.
        """
        self.checked = True
        if date is None:
            return 0
        received = self.now()
        served = self._parsed(date)
        if served is None:
            return 0
        move = max(served - received, min(0, served + 1000 - sent))
        self._offset += move
        return move

    def _parsed(self, date: str) -> int | None:
        text, served = self._header
        if text != date:
            fields = parsedate(date)
            if fields is None:
                return None
            served = calendar.timegm(fields) * 1000
            self._header = (date, served)
        return served
