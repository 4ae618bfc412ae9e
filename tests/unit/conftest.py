"""Time that tests move by hand, and a store that reads it."""

from __future__ import annotations

from functools import partial

import pytest

from kit.clocks import ManualClock
from lambda_idempotency import MemoryStore, drivers, operation


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> list[float]:
    """Pauses move the clock instead of taking time; the list tells how long they were."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock.advance(seconds)

    monkeypatch.setattr(operation, "drive", partial(drivers.drive, sleep=sleep))
    return pauses
