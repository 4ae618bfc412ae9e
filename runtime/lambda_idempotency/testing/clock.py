"""A clock that moves on command."""

from __future__ import annotations


class Clock:
    """Epoch seconds, as `time.time` returns them: `MemoryStore(Clock())`."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock, in seconds; a negative step moves it back."""
        self._now += seconds
