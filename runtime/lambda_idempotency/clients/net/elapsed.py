"""How much time has passed, at least: by whichever of two clocks says more. One stands still while
a sandbox is frozen, the other can be set back."""

from __future__ import annotations

import time
from typing import NamedTuple


class Moment(NamedTuple):
    """A moment by each clock, in seconds."""

    steady: float
    wall: float


def now() -> Moment:
    """This moment."""
    return Moment(time.monotonic(), time.time())


def milliseconds(begin: Moment, end: Moment) -> int:
    """What has passed between two moments, rounded up."""
    return int(max(end.steady - begin.steady, end.wall - begin.wall) * 1000) + 1
