"""Clocks that move only on command."""

from __future__ import annotations

from lambda_idempotency.clients.net.elapsed import Moment
from lambda_idempotency.testing.clock import Clock


class ManualClock(Clock):
    """Epoch seconds, and a moment of both clocks of a process."""

    def moment(self) -> Moment:
        """Return the time by both clocks of a process, which agree."""
        return self(), self()


class ProcessClocks:
    """Both clocks of a process, which may diverge."""

    def __init__(self) -> None:
        self.steady, self.wall = ManualClock(), ManualClock()

    def moment(self) -> Moment:
        """Return the time by both clocks."""
        return self.steady(), self.wall()
