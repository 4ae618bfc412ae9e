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
