"""`on_orphan`: the code that finds out what a dead attempt has done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest

from kit.batches import batch, sqs
from kit.clocks import ManualClock
from lambda_idempotency import (
    ConfigurationError,
    InProgressError,
    MemoryStore,
    ParkedError,
    Reconciled,
    current,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.protocol.record import Absent

EVENT: Final = {"id": 1}
LEASE: Final = 15 * 60 + 1


class DiedError(BaseException):
    """The end of the process."""


def _die(store: MemoryStore, clock: ManualClock, call: Callable[[], Any]) -> None:
    """End the call's process: its key is never released, and the lease ends."""
    release, store.release = store.release, lambda key, owner: Absent(0)  # type: ignore[method-assign]
    with pytest.raises(DiedError):
        call()
    store.release = release  # type: ignore[method-assign]
    clock.advance(LEASE)


def _dying(*results: Any) -> Callable[..., Any]:
    """Return a handler that dies at its first run and then returns the results."""
    left = [DiedError(), *results]

    def handler(event: Any, context: Any = None) -> Any:
        result = left.pop(0)
        if isinstance(result, DiedError):
            raise result
        return result

    return handler


def test_a_reconciled_attempt_answers_without_another_run(
    store: MemoryStore, clock: ManualClock
) -> None:
    handler = idempotent(store=store, on_orphan=lambda event: Reconciled({"charged": 5}))(_dying())
    _die(store, clock, lambda: handler(EVENT, None))
    assert handler(EVENT, None) == handler(EVENT, None) == {"charged": 5}


def test_none_means_run_again(store: MemoryStore, clock: ManualClock) -> None:
    handler = idempotent(store=store, on_orphan=lambda event: None)(_dying("second"))
    _die(store, clock, lambda: handler(EVENT, None))
    assert handler(EVENT, None) == handler(EVENT, None) == "second"


def test_it_is_given_the_event_and_the_running_attempt(
    store: MemoryStore, clock: ManualClock
) -> None:
    seen = []

    def reconcile(event: Any) -> None:
        seen.append((event, current().attempt, current().downstream_key("charge")))

    keys = []

    @idempotent(store=store, on_orphan=reconcile)
    def handler(event: Any, context: Any) -> None:
        keys.append(current().downstream_key("charge"))
        if len(keys) == 1:
            raise DiedError

    _die(store, clock, lambda: handler(EVENT, None))
    handler(EVENT, None)
    assert seen == [(EVENT, 2, keys[0])]


def test_a_first_attempt_is_not_asked_about(store: MemoryStore) -> None:
    def never(event: Any) -> None:
        raise AssertionError

    assert idempotent(store=store, on_orphan=never)(lambda event, context: 1)(EVENT, None) == 1


def test_a_function_is_given_its_arguments_by_name(store: MemoryStore, clock: ManualClock) -> None:
    def reconcile(arguments: Any) -> Reconciled:
        return Reconciled(arguments["order"] + arguments["amount"])

    results = [DiedError()]

    @idempotent_function(store=store, key="order", on_orphan=reconcile, name="charge")
    def charge(order: int, amount: int = 5) -> int:
        raise results.pop()

    _die(store, clock, lambda: charge(7))
    assert charge(7) == charge(order=7) == 12


def test_an_async_handler_may_reconcile_asynchronously(
    store: MemoryStore, clock: ManualClock
) -> None:
    async def reconcile(event: Any) -> Reconciled:
        await asyncio.sleep(0)
        return Reconciled("found")

    async def handler(event: Any, context: Any) -> Any:
        raise DiedError

    decorated = idempotent(store=store, on_orphan=reconcile)(handler)
    _die(store, clock, lambda: decorated(EVENT, None))
    assert decorated(EVENT, None) == "found"


@pytest.mark.parametrize("asynchronous", [True, False], ids=["async", "sync"])
def test_an_async_function_reconciles(
    store: MemoryStore,
    clock: ManualClock,
    asynchronous: bool,  # noqa: FBT001
) -> None:
    async def later(arguments: Any) -> Reconciled:
        return Reconciled("found")

    @idempotent_function(
        store=store, on_orphan=later if asynchronous else lambda _: Reconciled("found")
    )
    async def charge(order: int) -> str:
        raise DiedError

    _die(store, clock, lambda: asyncio.run(charge(1)))
    assert asyncio.run(charge(1)) == "found"


def test_what_it_raises_is_raised_and_the_key_stays_blocked(
    store: MemoryStore, clock: ManualClock
) -> None:
    answers: list[Any] = [ValueError("the gateway is down"), Reconciled("found")]

    def reconcile(event: Any) -> Any:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    handler = idempotent(store=store, on_orphan=reconcile)(_dying())
    _die(store, clock, lambda: handler(EVENT, None))
    with pytest.raises(ValueError, match="the gateway is down"):
        handler(EVENT, None)
    with pytest.raises(InProgressError):
        handler(EVENT, None)
    clock.advance(LEASE)
    assert handler(EVENT, None) == "found"


def test_what_is_no_answer_is_refused(store: MemoryStore, clock: ManualClock) -> None:
    handler = idempotent(store=store, on_orphan=lambda event: {"charged": 5})(_dying())
    _die(store, clock, lambda: handler(EVENT, None))
    with pytest.raises(ConfigurationError, match="on_orphan returned a dict; expected Reconciled"):
        handler(EVENT, None)


@pytest.mark.parametrize("option", ["rerun", 5, Reconciled(1)])
def test_what_cannot_be_called_is_refused_at_decoration(option: Any) -> None:
    for decorator in (idempotent, idempotent_function):
        with pytest.raises(ConfigurationError, match=r"on_orphan is .*expected a callable"):
            decorator(store=MemoryStore(), on_orphan=option)


def test_too_many_attempts_are_parked_before_it_is_asked(
    store: MemoryStore, clock: ManualClock
) -> None:
    handler = idempotent(store=store, max_attempts=1, on_orphan=lambda event: Reconciled(1))(
        _dying()
    )
    _die(store, clock, lambda: handler(EVENT, None))
    with pytest.raises(ParkedError):
        handler(EVENT, None)


def test_it_may_commit_what_the_dead_attempt_has_left_undone(
    store: MemoryStore, clock: ManualClock
) -> None:
    write = {"Put": {"TableName": "ledger", "Item": {}}}

    def reconcile(event: Any) -> Reconciled:
        current().commit_with([write])
        return Reconciled("found")

    handler = idempotent(store=store, on_orphan=reconcile)(_dying())
    _die(store, clock, lambda: handler(EVENT, None))
    assert handler(EVENT, None) == "found"
    assert store.committed == [write]


def _batch() -> dict[str, Any]:
    return batch(sqs("1", {"order": 7}))


def test_a_record_is_asked_about_and_does_not_run_again(
    store: MemoryStore, clock: ManualClock
) -> None:
    asked: list[str] = []

    def reconcile(record: Any) -> Reconciled:
        asked.append(record["messageId"])
        return Reconciled(None)

    @idempotent_records(store=store, on_orphan=reconcile)
    def handler(record: Any, context: Any) -> None:
        raise DiedError

    _die(store, clock, lambda: handler(_batch(), None))
    assert handler(_batch(), None) == {"batchItemFailures": []}
    assert asked == ["1"]


def test_a_record_of_an_async_handler_is_asked_about(
    store: MemoryStore, clock: ManualClock
) -> None:
    async def reconcile(record: Any) -> Reconciled:
        return Reconciled(None)

    @idempotent_records(store=store, on_orphan=reconcile)
    async def handler(record: Any, context: Any) -> None:
        raise DiedError

    _die(store, clock, lambda: handler(_batch(), None))
    assert handler(_batch(), None) == {"batchItemFailures": []}
