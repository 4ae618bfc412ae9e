"""The least time that has passed: the greater of what two clocks say.

One of them stands still while the sandbox is frozen, the other can be set back.
"""

from __future__ import annotations

import time

from ...tuples import NamedTuple


class Moment(NamedTuple):
    """One moment on both clocks, in seconds."""

    steady: float
    wall: float


def now() -> Moment:
    """Return the present moment."""
    return Moment(time.monotonic(), time.time())


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
        passed += max(moment.steady - steady, moment.wall - wall)
        self._seen = moment, passed
        return passed


def seconds(begin: Moment) -> float:
    """Return the seconds since a moment."""
    return max(time.monotonic() - begin[0], time.time() - begin[1])


def disagree_ms(begin: Moment, end: Moment) -> int:
    """Return the milliseconds by which the two clocks say different times passed: the wall clock
    was set, or the process stood still."""
    return int(abs((end.wall - begin.wall) - (end.steady - begin.steady)) * 1000)


def milliseconds(begin: Moment, end: Moment) -> int:
    """Return the milliseconds between two moments, rounded up."""
    return int(max(end.steady - begin.steady, end.wall - begin.wall) * 1000) + 1
