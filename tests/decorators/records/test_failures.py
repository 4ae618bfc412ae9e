"""The failures of a record and their log lines; one failure hides no other record."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest

from kit.batches import Orders, Record, batch, failures, fifo, sqs
from kit.clocks import ManualClock
from kit.counted import CountedStore
from lambda_idempotency import MemoryStore, StoreError, idempotent_records
from lambda_idempotency.drivers import sync
from lambda_idempotency.protocol.record import Completion

SECRET: Final = "card 4111"


def handled(store: MemoryStore, orders: Any, *records: Record, **options: Any) -> list[str]:
    return failures(
        idempotent_records(store=store, name="orders", **options)(orders)(batch(*records), None)
    )


def interrupted(store: MemoryStore, record: Record) -> None:
    """Leave an attempt at the record that dies."""

    orders = Orders()
    orders.poisoned["1"] = orders.poisoned["2"] = SystemExit()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "release", _died)
        with pytest.raises(SystemExit):
            handled(store, orders, record)


def _died(key: str, owner: str) -> Any:
    raise StoreError("died")


def test_a_record_in_progress_is_a_failure(store: MemoryStore) -> None:
    interrupted(store, sqs("2"))
    orders = Orders()
    assert handled(store, orders, *map(sqs, "123")) == ["2"]
    assert orders.done == ["1", "3"]


def test_a_record_in_progress_stops_its_group(store: MemoryStore) -> None:
    interrupted(store, fifo("1"))
    orders = Orders()
    assert handled(store, orders, fifo("1"), fifo("2"), fifo("3", "b")) == ["1", "2"]
    assert orders.done == ["3"]


def test_a_dead_attempt_is_taken_over_when_its_lease_has_ended(
    store: MemoryStore, clock: ManualClock
) -> None:
    interrupted(store, sqs("2"))
    clock.advance(16 * 60)
    orders = Orders()
    assert handled(store, orders, *map(sqs, "123")) == []
    assert orders.done == ["1", "2", "3"]


def test_a_parked_record_is_a_failure(store: MemoryStore, clock: ManualClock) -> None:
    interrupted(store, sqs("2"))
    clock.advance(16 * 60)
    orders = Orders()
    for _ in range(2):
        assert handled(store, orders, *map(sqs, "123"), max_attempts=1) == ["2"]
    assert orders.done == ["1", "3"]


def test_a_parked_record_stops_its_group_before_the_next_claim(clock: ManualClock) -> None:
    store = CountedStore(clock)
    interrupted(store, fifo("1"))
    clock.advance(16 * 60)
    store.sent.clear()
    assert handled(store, Orders(), fifo("1"), fifo("2"), max_attempts=1) == ["1", "2"]
    assert store.sent == ["claim", "claim", "complete"]


def test_a_record_that_waits_in_vain_is_a_failure(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    drive = partial(sync.drive_batch, sleep=clock.advance)
    monkeypatch.setattr(sync, "drive_batch", drive)
    interrupted(store, sqs("2"))
    orders = Orders()
    options: dict[str, Any] = {"on_in_progress": "wait", "wait_timeout": 5}
    assert handled(store, orders, *map(sqs, "123"), **options) == ["2"]
    assert orders.done == ["1", "3"]


def test_a_store_that_fails_for_one_record_fails_no_other(clock: ManualClock) -> None:
    store = CountedStore(clock)
    store.lost = {2: False}
    orders = Orders()
    assert handled(store, orders, *map(sqs, "123")) == ["2"]
    assert orders.done == ["1", "3"]


def test_fail_open_runs_a_record_whose_store_fails(clock: ManualClock) -> None:
    store = CountedStore(clock)
    store.lost = {0: False}
    orders = Orders()
    assert handled(store, orders, *map(sqs, "12"), fail_open=True) == []
    assert orders.done == ["1", "2"]


def test_one_item_twice_in_a_batch_is_named_once(store: MemoryStore) -> None:
    assert handled(store, Orders("1"), sqs("1"), sqs("1")) == ["1"]


def test_one_item_twice_in_a_batch_runs_once(store: MemoryStore) -> None:
    orders = Orders()
    assert handled(store, orders, sqs("1"), sqs("1")) == []
    assert orders.done == ["1"]


def test_a_coroutine_that_nobody_awaits_fails(store: MemoryStore) -> None:
    async def work() -> None: ...

    assert handled(store, lambda record, context: work(), sqs("1")) == ["1"]


def test_a_record_is_recorded_without_its_result(store: MemoryStore) -> None:
    written: list[Completion] = []
    complete = store.complete

    def keep(completion: Completion) -> Any:
        written.append(completion)
        return complete(completion)

    store.complete = keep  # type: ignore[method-assign]
    handled(store, Orders(), sqs("1"))
    assert [(one.data, one.encoding) for one in written] == [(None, "none")]


# What is told -------------------------------------------------------------------------------------


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[logging.LogRecord]]:
    """Return a function that returns the warnings and errors about items."""

    def entries() -> list[logging.LogRecord]:
        return [
            entry
            for entry in caplog.records
            if entry.name == "lambda_idempotency" and " item " in entry.getMessage()
        ]

    return entries


Told = Callable[[], list[logging.LogRecord]]


def test_what_a_handler_raised_is_logged_with_its_item(store: MemoryStore, told: Told) -> None:
    handled(store, Orders("2"), *map(sqs, "123"))
    [entry] = told()
    assert entry.levelname == "ERROR"
    assert entry.getMessage().startswith("aws:sqs item 2 failed (record local#")
    assert entry.getMessage().endswith("): ValueError")
    assert entry.exc_info is not None
    assert str(entry.exc_info[1]) == "a bug"
    assert entry.exc_info[1] is not None
    assert entry.exc_info[1].__context__ is None


def test_every_failure_is_logged(store: MemoryStore, told: Told) -> None:
    handled(store, Orders("1", "3"), *map(sqs, "123"))
    assert len(told()) == 2


def test_a_success_is_not_logged(store: MemoryStore, told: Told) -> None:
    handled(store, Orders(), *map(sqs, "123"))
    assert told() == []


def test_a_duplicate_in_progress_is_a_warning(store: MemoryStore, told: Told) -> None:
    interrupted(store, sqs("1"))
    handled(store, Orders(), sqs("1"))
    [entry] = told()
    assert entry.levelname == "WARNING"
    assert "is in progress; retry later" in entry.getMessage()
    assert entry.exc_info is None


def test_a_hostile_message_fails_alone_and_runs_nothing(store: MemoryStore, told: Told) -> None:
    deep, exponent = '{"id": ' + "[" * 100_000, '{"id": 1e' + "9" * 30 + "}"
    bodies = [deep, exponent, '{"id": 1, "id": 2}', '{"id": "1e999"}', '{"id": "7"}']
    records = [sqs(f"m{number}", body) for number, body in enumerate(bodies)]
    orders = Orders()
    failed = handled(store, orders, *records, key="ceil(to_number(body.id))")
    assert failed == ["m0", "m1", "m2", "m3"]
    assert orders.started == orders.done == ["m4"]
    assert {line.levelname for line in told()} == {"WARNING"}


def test_a_missing_key_is_a_warning_that_quotes_nothing(
    store: MemoryStore, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    handled(store, Orders(), sqs("1", {"card": SECRET}), key="body.id")
    [entry] = told()
    assert entry.levelname == "WARNING"
    assert entry.getMessage().startswith(
        "aws:sqs item 1 failed: The key is missing from the record, or empty. The option key is"
    )
    assert SECRET not in caplog.text


def test_other_data_are_a_warning_that_quotes_nothing(
    store: MemoryStore, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    handled(store, Orders(), sqs("1", {"card": SECRET}))
    handled(store, Orders(), sqs("1", {"card": SECRET, "n": 2}))
    [entry] = told()
    assert "the same key and another payload" in entry.getMessage()
    assert SECRET not in caplog.text
