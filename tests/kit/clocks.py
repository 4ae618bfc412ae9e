"""Clocks that move only on command."""

from __future__ import annotations

from lambda_idempotency.clients.net.elapsed import Moment


class ManualClock:
    """Epoch seconds, as `time.time` returns them."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start

    def __call__(self) -> float:
        return self._now

    def moment(self) -> Moment:
        """Return the time by both clocks of a process, which agree."""
        return self._now, self._now

    def advance(self, seconds: float) -> None:
        """Move the clock, in seconds; a negative step moves it back."""
        self._now += seconds


class ProcessClocks:
    """Both clocks of a process, which may diverge."""

    def __init__(self) -> None:
        self.steady, self.wall = ManualClock(), ManualClock()

    def moment(self) -> Moment:
        """Return the time by both clocks."""
        return self.steady(), self.wall()
