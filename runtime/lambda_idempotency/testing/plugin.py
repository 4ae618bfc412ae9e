"""Fixtures for the tests of idempotent functions. In `conftest.py`:

    pytest_plugins = ["lambda_idempotency.testing.plugin"]

Handlers that are decorated from then on have their records in memory, unless the code names a
store, and each test begins without any.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ..stores.memory import MADE, MemoryStore
from .clock import Clock
from .context import LambdaContext
from .simulation import MemoryStores, Simulation


def pytest_configure() -> None:
    """Choose the store in memory before the first handler is imported."""
    os.environ.setdefault("IDEMPOTENCY_STORE", "memory")


@pytest.fixture(autouse=True)
def idempotency_store() -> Iterator[MemoryStores]:
    """Yield the records of this test: `records()`, and `clear()`."""
    stores = MemoryStores()
    stores.clear()
    yield stores
    stores.clear()


@pytest.fixture
def idempotency_clock() -> Iterator[Clock]:
    """Yield the time of the records, which `advance()` moves."""
    clock = Clock()
    before: list[tuple[MemoryStore, object]] = [(store, store.clock) for store in MADE]
    for store, _ in before:
        store.clock = clock
    yield clock
    for store, was in before:
        vars(store)["clock"] = was


@pytest.fixture
def lambda_context() -> LambdaContext:
    """Return a context with three seconds left."""
    return LambdaContext()


@pytest.fixture
def simulate(idempotency_store: MemoryStores) -> Simulation:
    """Return what makes accidents happen to the handlers of this test."""
    return Simulation(*idempotency_store.given)
