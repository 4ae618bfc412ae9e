"""A duplicate of a first attempt that still runs, or that has died."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from kit.clocks import ManualClock
from lambda_idempotency import (
    FingerprintMismatchError,
    InProgressError,
    MemoryStore,
    ParkedError,
    current,
    idempotent,
)
from lambda_idempotency.drivers import sync
from lambda_idempotency.execution import registry
from lambda_idempotency.identity.keys import KeyRule
from lambda_idempotency.protocol.record import Applied, Claim, Completion, Conflict, Record

EVENT: Final[dict[str, Any]] = {"order_id": 7}
KEY: Final = KeyRule("local", "handler").identify(EVENT).key
HOUR: Final = 3_600_000
DEAD: Final = "d" * 32


class Context:
    """A Lambda context."""

    def __init__(self, remaining: int) -> None:
        self._remaining = remaining

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining


def leave_claim(store: MemoryStore, *, lease: int = 10_000, attempt: int = 1) -> None:
    """Leave the claim of a worker that never comes back."""
    claim = Claim(key=KEY, owner=DEAD, lease_ms=lease, expires_after_ms=HOUR, attempt=attempt)
    assert isinstance(store.claim(claim), Applied)


def complete(store: MemoryStore, data: str) -> None:
    """Complete the claim of `leave_claim`, as its worker would if it did come back."""
    completion = Completion(key=KEY, owner=DEAD, attempt=1, expires_after_ms=HOUR, data=data)
    assert isinstance(store.complete(completion), Applied)


def found(store: MemoryStore) -> Record:
    reply = store.read(KEY)
    assert isinstance(reply, Conflict)
    return reply.record


def number(event: Any, context: Any) -> int:
    return current().attempt


def never(event: Any, context: Any) -> None:
    pytest.fail("the handler ran")


# In progress --------------------------------------------------------------------------------------


def test_a_duplicate_of_a_running_call_is_told_to_come_back(store: MemoryStore) -> None:
    leave_claim(store, lease=10_000)
    with pytest.raises(InProgressError) as refused:
        idempotent(store=store, name="handler")(never)(EVENT, None)
    assert refused.value.retry_after == 10


def test_the_time_to_come_back_shrinks_with_the_lease(
    store: MemoryStore, clock: ManualClock
) -> None:
    leave_claim(store, lease=10_000)
    clock.advance(7.5)
    with pytest.raises(InProgressError) as refused:
        idempotent(store=store, name="handler")(never)(EVENT, None)
    assert refused.value.retry_after == 2.5


def test_a_call_that_the_handler_makes_to_itself_is_a_duplicate(store: MemoryStore) -> None:
    @idempotent(store=store, name="handler")
    def handler(event: Any, context: Any) -> str:
        with pytest.raises(InProgressError):
            handler(event, context)
        return "ran"

    assert handler(EVENT, None) == "ran"


def test_another_payload_is_refused_while_the_first_one_runs(store: MemoryStore) -> None:
    @idempotent(store=store, name="handler", key="order_id", fingerprint="amount")
    def handler(event: Any, context: Any) -> str:
        with pytest.raises(FingerprintMismatchError):
            handler({**event, "amount": 2}, context)
        return "ran"

    assert handler({**EVENT, "amount": 1}, None) == "ran"


# Waiting ------------------------------------------------------------------------------------------


@pytest.fixture
def at_pause(
    monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> Callable[[int, Callable[[], None]], None]:
    """Return a function that arranges an action at the n-th pause of a waiting call; each pause
    moves the clock.
    """

    def arrange(count: int, act: Callable[[], None]) -> None:
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            clock.advance(seconds)
            pauses.append(seconds)
            if len(pauses) == count:
                act()

        def drive(*protocol: Any, **options: Any) -> Any:
            return unpatched(*protocol, sleep=sleep, **options)

        unpatched = sync.drive
        monkeypatch.setattr(sync, "drive", drive)

    return arrange


def test_a_waiting_duplicate_gets_the_answer_once_it_is_there(
    store: MemoryStore, at_pause: Callable[[int, Callable[[], None]], None]
) -> None:
    leave_claim(store)
    at_pause(3, lambda: complete(store, '"first"'))
    assert (
        idempotent(store=store, name="handler", on_in_progress="wait")(never)(EVENT, None)
        == "first"
    )


def test_a_waiting_duplicate_runs_once_the_first_one_has_given_up(
    store: MemoryStore, at_pause: Callable[[int, Callable[[], None]], None]
) -> None:
    def give_up() -> None:
        assert isinstance(store.release(KEY, DEAD), Applied)

    leave_claim(store)
    at_pause(3, give_up)
    assert idempotent(store=store, name="handler", on_in_progress="wait")(number)(EVENT, None) == 1


def test_a_waiting_duplicate_takes_over_once_the_lease_has_ended(
    store: MemoryStore, slept: list[float]
) -> None:
    leave_claim(store, lease=5_000)
    assert idempotent(store=store, name="handler", on_in_progress="wait")(number)(EVENT, None) == 2
    assert sum(slept) == pytest.approx(5, abs=0.01)


def test_a_waiting_duplicate_gives_up_after_its_time(
    store: MemoryStore, slept: list[float]
) -> None:
    leave_claim(store, lease=60_000)
    handler = idempotent(store=store, name="handler", on_in_progress="wait", wait_timeout=2.5)(
        never
    )
    with pytest.raises(InProgressError):
        handler(EVENT, None)
    assert sum(slept) == pytest.approx(2.5, abs=0.01)


def test_a_duplicate_waits_for_half_of_the_time_it_has(
    store: MemoryStore, slept: list[float]
) -> None:
    leave_claim(store, lease=60_000)
    with pytest.raises(InProgressError):
        idempotent(store=store, name="handler", on_in_progress="wait")(never)(EVENT, Context(8_000))
    assert sum(slept) == pytest.approx(4, abs=0.01)


def test_a_duplicate_never_waits_longer_than_it_may_run(
    store: MemoryStore, slept: list[float]
) -> None:
    leave_claim(store, lease=60_000)
    handler = idempotent(store=store, name="handler", on_in_progress="wait", wait_timeout=30)(never)
    with pytest.raises(InProgressError):
        handler(EVENT, Context(3_000))
    assert sum(slept) <= 3.01


def test_without_wait_a_duplicate_does_not_pause(store: MemoryStore, slept: list[float]) -> None:
    leave_claim(store)
    with pytest.raises(InProgressError):
        idempotent(store=store, name="handler", wait_timeout=5)(never)(EVENT, None)
    assert slept == []


# Orphans ------------------------------------------------------------------------------------------


def test_an_orphan_is_taken_over_as_the_next_attempt(
    store: MemoryStore, clock: ManualClock
) -> None:
    leave_claim(store, lease=10_000, attempt=4)
    clock.advance(10)
    assert idempotent(store=store, name="handler")(number)(EVENT, None) == 5


def test_an_attempt_is_no_orphan_before_its_lease_has_ended(
    store: MemoryStore, clock: ManualClock
) -> None:
    leave_claim(store, lease=10_000)
    clock.advance(9.9)
    with pytest.raises(InProgressError):
        idempotent(store=store, name="handler")(never)(EVENT, None)


def test_the_answer_of_a_taken_over_call_is_replayed(
    store: MemoryStore, clock: ManualClock
) -> None:
    leave_claim(store)
    clock.advance(10)
    handler = idempotent(store=store, name="handler")(number)
    assert handler(EVENT, None) == handler(EVENT, None) == 2


def test_an_attempt_that_was_overtaken_gets_the_answer_of_the_one_that_did(
    store: MemoryStore, clock: ManualClock
) -> None:
    other = idempotent(store=store, name="handler")(lambda event, context: "overtook")
    registry.clear()  # as in another process

    @idempotent(store=store, name="handler", lease=10)
    def slow(event: Any, context: Any) -> str:
        clock.advance(20)
        assert other(event, context) == "overtook"
        return "was overtaken"

    assert slow(EVENT, None) == other(EVENT, None) == "overtook"


def test_after_max_attempts_the_key_is_parked(store: MemoryStore, clock: ManualClock) -> None:
    leave_claim(store, attempt=2)
    clock.advance(10)
    with pytest.raises(ParkedError, match="2 attempts left no answer"):
        idempotent(store=store, name="handler", max_attempts=2)(never)(EVENT, None)


def test_up_to_max_attempts_the_key_runs(store: MemoryStore, clock: ManualClock) -> None:
    leave_claim(store, attempt=1)
    clock.advance(10)
    assert idempotent(store=store, name="handler", max_attempts=2)(number)(EVENT, None) == 2


@pytest.mark.parametrize("max_attempts", [1, 5, None])
def test_a_parked_key_stays_parked(
    store: MemoryStore, clock: ManualClock, max_attempts: int | None
) -> None:
    leave_claim(store)
    clock.advance(10)
    with pytest.raises(ParkedError):
        idempotent(store=store, name="handler", max_attempts=1)(never)(EVENT, None)
    clock.advance(24 * 3600)
    with pytest.raises(ParkedError):
        idempotent(store=store, name="handler", max_attempts=max_attempts)(never)(EVENT, None)


def test_the_answer_of_an_attempt_that_lived_after_all_frees_a_parked_key(
    store: MemoryStore, clock: ManualClock
) -> None:
    leave_claim(store)
    clock.advance(10)
    handler = idempotent(store=store, name="handler", max_attempts=1)(never)
    with pytest.raises(ParkedError):
        handler(EVENT, None)
    complete(store, '"late"')
    assert handler(EVENT, None) == "late"
