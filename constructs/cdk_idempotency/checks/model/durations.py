"""Durations in words."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ((24 * 3600, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def in_words(seconds: float) -> str:
    """Return a duration in the largest unit that needs no fraction: `4 days`, `90 seconds`."""
    for length, unit in _UNITS:
        if seconds >= length and seconds % length == 0:
            count = int(seconds // length)
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{seconds:g} seconds"
