"""The memory store: exact to the millisecond, because its clock can stand still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from kit.clocks import ManualClock
from lambda_idempotency.protocol.record import Absent, Applied, Claim, Completion, Conflict, Record
from lambda_idempotency.stores.memory import MemoryStore

KEY: Final = "shop#1"
LEASE: Final = 2000
KEPT: Final = 4000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    return MemoryStore(clock)


def _claim(name: str) -> Claim:
    return Claim(key=KEY, owner=name * 32, lease_ms=LEASE, expires_after_ms=KEPT)


def _seen(store: MemoryStore) -> Record:
    found = store.read(KEY)
    assert isinstance(found, Conflict)
    return found.record


def test_a_lease_blocks_up_to_its_end(store: MemoryStore, clock: ManualClock) -> None:
    store.claim(_claim("a"))
    clock.advance(1.75)
    assert isinstance(store.claim(_claim("b"), _seen(store)), Conflict)


def test_a_lease_has_ended_at_its_end(store: MemoryStore, clock: ManualClock) -> None:
    store.claim(_claim("a"))
    clock.advance(2)
    assert isinstance(store.claim(_claim("b"), _seen(store)), Applied)


def test_a_record_blocks_up_to_its_expiration(store: MemoryStore, clock: ManualClock) -> None:
    store.claim(_claim("a"))
    clock.advance(5.75)
    assert isinstance(store.claim(_claim("b")), Conflict)


def test_a_record_has_expired_at_its_expiration(store: MemoryStore, clock: ManualClock) -> None:
    store.claim(_claim("a"))
    clock.advance(6)
    assert isinstance(store.read(KEY), Absent)
    assert isinstance(store.claim(_claim("b")), Applied)


def test_an_answer_may_be_recorded_up_to_the_limit(store: MemoryStore, clock: ManualClock) -> None:
    completion = Completion(
        key=KEY, owner="a" * 32, attempt=1, expires_after_ms=KEPT, not_after=int(clock()) + 6
    )
    clock.advance(5.75)
    assert isinstance(store.complete(completion), Applied)


def test_an_answer_is_late_at_the_limit(store: MemoryStore, clock: ManualClock) -> None:
    completion = Completion(
        key=KEY, owner="a" * 32, attempt=1, expires_after_ms=KEPT, not_after=int(clock()) + 6
    )
    clock.advance(6)
    assert isinstance(store.complete(completion), Absent)


def test_two_memory_stores_share_nothing(store: MemoryStore, clock: ManualClock) -> None:
    store.claim(_claim("a"))
    assert isinstance(MemoryStore(clock).claim(_claim("b")), Applied)


def test_a_claim_between_a_look_and_its_write_is_met() -> None:
    between: list[Callable[[], object]] = []

    def clock() -> float:
        while between:  # the claim has looked at the record, and asks what time it is
            replies.append(between.pop()())
        return 1_000.0

    store = MemoryStore(clock)
    replies: list[object] = []
    between.append(lambda: store.claim(_claim("b")))
    replies.append(store.claim(_claim("a")))
    assert [type(reply) for reply in replies] == [Applied, Conflict]
