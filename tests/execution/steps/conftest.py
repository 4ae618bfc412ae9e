"""Fixtures of the tests of steps."""

from __future__ import annotations

from typing import Any

import pytest

from kit.clocks import ManualClock
from kit.steps import Faulty, Scripted
from lambda_idempotency.drivers import requests


@pytest.fixture
def store(clock: ManualClock) -> Faulty:
    """Return a store that notes its requests."""
    return Faulty(clock)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses, which take no time."""
    paused: list[float] = []
    sleeps: Any = requests.ask_alone.__defaults__
    monkeypatch.setattr(requests.ask_alone, "__defaults__", (paused.append, *sleeps[1:]))
    return paused


@pytest.fixture
def scripted(clock: ManualClock, pauses: list[float]) -> Scripted:
    """Return a store that meets recovery points as a test says, between pauses without time."""
    return Scripted(clock)
