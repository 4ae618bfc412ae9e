"""Completed records in the process: what asks no store, and what always does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from kit.clocks import ManualClock, ProcessClocks
from lambda_idempotency import FingerprintMismatchError, MemoryStore, StoreError, idempotent
from lambda_idempotency.protocol.record import (
    COMPLETED,
    PARKED,
    Applied,
    Claim,
    Completion,
    Conflict,
    Record,
    Reply,
)
from lambda_idempotency.stores.base import ReplyOrError
from lambda_idempotency.stores.cached import CachedStore

MINUTE: Final = 60_000


class Asked(MemoryStore):
    """Remembers which verbs it was asked for; `down` makes it fail."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.asked: list[str] = []
        self.down = False

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        self._note("claim")
        return super().claim(claim, seen)

    def complete(self, completion: Completion) -> Reply:
        self._note("complete")
        return super().complete(completion)

    def read(self, key: str) -> Reply:
        self._note("read")
        return super().read(key)

    def complete_and_claim(
        self, completion: Completion, claim: Claim
    ) -> tuple[ReplyOrError, ReplyOrError]:
        self._note("both")
        return MemoryStore.complete(self, completion), MemoryStore.claim(self, claim)

    def _note(self, verb: str) -> None:
        self.asked.append(verb)
        if self.down:
            raise StoreError("down")


class Clocks(ProcessClocks):
    """The store's clock, and the two of the process, which stand still or jump when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.store = ManualClock()

    def advance(self, seconds: float) -> None:
        for clock in (self.store, self.steady, self.wall):
            clock.advance(seconds)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def store(clocks: Clocks) -> Asked:
    return Asked(clocks.store)


@pytest.fixture
def cached(store: Asked, clocks: Clocks) -> CachedStore:
    return CachedStore(store, 3, moment=clocks.moment)


def claim(key: str = "shop#1", owner: str = "b") -> Claim:
    return Claim(key=key, owner=owner, lease_ms=1000, expires_after_ms=MINUTE)


def complete(store: Any, key: str = "shop#1", **values: Any) -> Reply:
    store.claim(claim(key, "a"))
    reply: Reply = store.complete(
        Completion(**{"key": key, "owner": "a", "attempt": 1, "expires_after_ms": MINUTE, **values})
    )
    return reply


def data(reply: Reply) -> Any:
    assert isinstance(reply, Conflict)
    return reply.record.data


def test_what_this_process_completed_is_replayed_without_a_request(
    cached: CachedStore, store: Asked
) -> None:
    complete(cached, data='{"a":1}', fingerprint="f", scope="s")
    store.asked.clear()
    reply = cached.claim(claim())
    assert isinstance(reply, Conflict)
    assert reply.record._replace(data=None) == Record(
        key="shop#1",
        status=COMPLETED,
        owner="a",
        attempt=1,
        expiration=reply.record.expiration,
        fingerprint="f",
        scope="s",
    )
    assert store.asked == []


def test_the_record_is_the_store_s(cached: CachedStore, store: Asked) -> None:
    complete(cached, data="1")
    known, read = cached.claim(claim()), store.read("shop#1")
    assert isinstance(known, Conflict)
    assert isinstance(read, Conflict)
    assert known.record == read.record


@pytest.mark.parametrize("first", ["claim", "read"])
def test_what_another_process_completed_is_asked_for_once(
    cached: CachedStore, store: Asked, first: str
) -> None:
    complete(store, data="1")
    store.asked.clear()
    assert data(cached.claim(claim()) if first == "claim" else cached.read("shop#1")) is not None
    assert data(cached.claim(claim())) == "1"
    assert store.asked == [first]


def test_what_overtook_this_process_is_known_too(cached: CachedStore, store: Asked) -> None:
    complete(store, data="1")
    assert isinstance(complete(cached, owner="b", data="2"), Conflict)
    store.asked.clear()
    assert data(cached.claim(claim())) == "1"
    assert store.asked == []


@pytest.mark.parametrize("written", ['"Müller"', '"Müller"'.encode(), "", b"", None])
def test_the_data_are_what_was_written(cached: CachedStore, written: str | bytes | None) -> None:
    complete(cached, data=written)
    found = data(cached.claim(claim()))
    assert (found, type(found)) == (written, type(written))


def test_compressed_data_stays_as_it_is(cached: CachedStore) -> None:
    complete(cached, data=b"x", encoding="zlib")
    reply = cached.claim(claim())
    assert isinstance(reply, Conflict)
    assert (reply.record.data, reply.record.encoding) == (b"x", "zlib")


def test_a_running_attempt_is_not_kept(cached: CachedStore, store: Asked) -> None:
    store.claim(claim(owner="a"))
    for _ in range(2):
        assert isinstance(cached.claim(claim()), Conflict)
    assert store.asked == ["claim"] * 3


def test_a_parked_record_is_not_kept(cached: CachedStore, store: Asked) -> None:
    complete(cached, status=PARKED)
    store.asked.clear()
    cached.claim(claim())
    assert store.asked == ["claim"]


def test_a_failed_completion_is_not_kept(cached: CachedStore, store: Asked) -> None:
    store.down = True
    with pytest.raises(StoreError):
        cached.complete(Completion("shop#1", "a", 1, MINUTE, data="1"))
    store.down = False
    assert isinstance(cached.claim(claim()), Applied)


def test_a_take_over_always_asks(cached: CachedStore, store: Asked) -> None:
    complete(cached, data="1")
    store.asked.clear()
    cached.claim(claim(), Record("shop#1", "INPROGRESS", "z", 1, 1))
    assert store.asked == ["claim"]


def test_a_known_record_is_replayed_while_the_store_is_down(
    cached: CachedStore, store: Asked
) -> None:
    complete(cached, data="1")
    store.down = True
    assert data(cached.claim(claim())) == "1"


# Expiry -------------------------------------------------------------------------------------------


def test_a_record_is_known_until_it_expires(
    cached: CachedStore, store: Asked, clocks: Clocks
) -> None:
    complete(cached, data="1")
    clocks.advance(MINUTE / 1000 - 2)
    assert isinstance(cached.claim(claim()), Conflict)
    clocks.advance(3)
    store.asked.clear()
    assert isinstance(cached.claim(claim()), Applied)
    assert store.asked == ["claim"]


@pytest.mark.parametrize("moving", ["steady", "wall"])
def test_either_clock_alone_can_end_a_record(
    cached: CachedStore, store: Asked, clocks: Clocks, moving: str
) -> None:
    complete(cached, data="1")
    clocks.store.advance(MINUTE / 1000 + 1)
    getattr(clocks, moving).advance(MINUTE / 1000 + 1)
    assert isinstance(cached.claim(claim()), Applied)


def test_a_clock_that_is_set_back_keeps_nothing_alive(cached: CachedStore, clocks: Clocks) -> None:
    complete(cached, data="1")
    clocks.advance(MINUTE / 1000 + 1)
    clocks.wall.advance(-10 * MINUTE)
    assert isinstance(cached.claim(claim()), Applied)


def test_a_record_is_as_old_as_the_request_for_it(
    store: Asked, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = CachedStore(store, 3, moment=clocks.moment)
    complete(store, data="1")
    original = store.claim

    def slow(*arguments: Any) -> Reply:
        reply = original(*arguments)
        clocks.advance(50)  # on the way back
        return reply

    monkeypatch.setattr(store, "claim", slow)
    cached.claim(claim())
    clocks.advance(11)
    assert isinstance(cached.claim(claim()), Applied)


def test_what_is_known_tells_the_store_s_time(cached: CachedStore, clocks: Clocks) -> None:
    complete(cached, data="1")
    clocks.advance(5)
    known = cached.claim(claim())
    assert 0 <= known.now - int(clocks.store() * 1000) <= 1


# Size ---------------------------------------------------------------------------------------------


def test_what_was_used_last_is_kept(cached: CachedStore, store: Asked) -> None:
    for key in "1234":
        complete(cached, f"shop#{key}", data="1")
        cached.claim(claim("shop#1"))
    store.asked.clear()
    for key in "134":
        cached.claim(claim(f"shop#{key}"))
    assert store.asked == []
    cached.claim(claim("shop#2"))
    assert store.asked == ["claim"]


def test_threads_share_it(cached: CachedStore) -> None:
    def work(number: int) -> None:
        complete(cached, f"shop#{number % 5}", data="1")
        cached.claim(claim(f"shop#{number % 5}"))

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(work, range(500)))) == 500


# A completion and a claim at once ----------------------------------------------------------------


def completion(key: str) -> Completion:
    return Completion(key=key, owner="a", attempt=1, expires_after_ms=MINUTE, data="1")


def test_both_are_one_request_of_the_store_and_the_answer_is_kept(
    cached: CachedStore, store: Asked
) -> None:
    cached.claim(claim("shop#1", "a"))
    store.asked.clear()
    completed, claimed = cached.complete_and_claim(completion("shop#1"), claim("shop#2"))
    assert (type(completed), type(claimed)) == (Applied, Applied)
    assert data(cached.claim(claim("shop#1"))) == "1"
    assert store.asked == ["both"]


def test_a_claim_that_is_known_to_be_in_vain_is_not_sent(cached: CachedStore, store: Asked) -> None:
    complete(cached, "shop#2", data="2")
    cached.claim(claim("shop#1", "a"))
    store.asked.clear()
    completed, claimed = cached.complete_and_claim(completion("shop#1"), claim("shop#2"))
    assert isinstance(completed, Applied)
    assert not isinstance(claimed, Exception)
    assert data(claimed) == "2"
    assert store.asked == ["complete"]


def test_a_record_that_both_have_found_is_kept(cached: CachedStore, store: Asked) -> None:
    complete(store, "shop#2", data="2")
    cached.claim(claim("shop#1", "a"))
    cached.complete_and_claim(completion("shop#1"), claim("shop#2"))
    store.asked.clear()
    assert data(cached.claim(claim("shop#2"))) == "2"
    assert store.asked == []


# As an option -------------------------------------------------------------------------------------


def test_what_else_a_store_can_do_passes_through(cached: CachedStore, store: Asked) -> None:
    assert cached.transactional is True
    assert cached.max_data is store.max_data
    assert (cached.name, cached.label) == (store.name, "memory")
    assert not hasattr(cached, "something_else")
    assert isinstance(cached.release("shop#1", "a"), type(store.release("shop#1", "a")))


@pytest.mark.parametrize(("size", "asked"), [(0, 3), (1, 2)])
def test_a_replay_asks_the_store_unless_a_cache_was_asked_for(
    store: Asked, size: int, asked: int
) -> None:
    handler = idempotent(store=store, namespace="shop", cache_size=size)(lambda event, _: [event])
    first = handler({"id": 1}, None)
    assert handler({"id": 1}, None) == first
    assert len(store.asked) == asked


def test_a_replay_is_never_an_alias(store: Asked) -> None:
    handler = idempotent(store=store, namespace="shop", cache_size=1)(lambda event, _: [event])
    handler({"id": 1}, None)
    handler({"id": 1}, None).append("changed")
    assert handler({"id": 1}, None) == [{"id": 1}]


def test_a_fingerprint_is_compared_with_what_is_known(store: Asked) -> None:
    handler = idempotent(
        store=store, namespace="shop", key="id", fingerprint="amount", cache_size=1
    )(lambda event, _: event)
    handler({"id": 1, "amount": 1}, None)
    store.asked.clear()
    with pytest.raises(FingerprintMismatchError):
        handler({"id": 1, "amount": 2}, None)
    assert store.asked == []
