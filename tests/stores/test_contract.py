"""Every store keeps the contract, and so do the models of stores that the explorer uses."""

from __future__ import annotations

import pytest

from lambda_idempotency import MemoryStore, Store
from lambda_idempotency.testing.store_contract import OneCallerContract, StoreContract
from lambda_idempotency.testing.store_harness import StoreHarness


class TestStores(StoreContract):
    """On the server of each."""

    @pytest.fixture
    def harness(self, atomic_harness: StoreHarness) -> StoreHarness:
        return atomic_harness


class TestModels(OneCallerContract):
    """Those that check a condition and write without a lock."""

    @pytest.fixture
    def harness(self, unlocked_harness: StoreHarness) -> StoreHarness:
        return unlocked_harness


class TestThroughItsVerbs(StoreContract):
    """As a store of somebody else's is tested, with nothing but itself."""

    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()
