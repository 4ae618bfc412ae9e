"""The least time that has passed: the greater of what two clocks say.

One of them stands still while the sandbox is frozen, the other can be set back.
"""

from __future__ import annotations

import time
from typing import TypeAlias

Moment: TypeAlias = tuple[float, float]
"""One moment on both clocks, the steady one and the wall's, in seconds. A plain tuple: it is made
several times a call."""


def now() -> Moment:
    """Return the present moment."""
    return time.monotonic(), time.time()


class Stopwatch:
    """The time since it was made. It never goes back, also where a clock is set ahead and back:
    what has passed between two looks is added up. Thread-safe."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen = now(), 0.0

    def seconds(self) -> float:
        """Return the seconds so far."""
        (steady, wall), passed = self._seen
        moment = now()
        passed += max(moment[0] - steady, moment[1] - wall)
        self._seen = moment, passed
        return passed


def seconds(begin: Moment, end: Moment | None = None) -> float:
    """Return the seconds from a moment to another one, or to now."""
    steady, wall = now() if end is None else end
    by_steady, by_wall = steady - begin[0], wall - begin[1]
    return max(by_wall, by_steady)  # `max` would take longer than both clocks


def milliseconds(begin: Moment, end: Moment) -> int:
    """Return the milliseconds between two moments, rounded up."""
    return int(seconds(begin, end) * 1000) + 1
