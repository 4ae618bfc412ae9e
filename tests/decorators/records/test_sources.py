"""The failed records that a batch's response names, for each source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.batches import EVERY, Orders, Record, Source, batch, dynamodb, failures, fifo, kinesis, sqs
from lambda_idempotency import BatchError, MemoryStore, idempotent_records


def those(wanted: Callable[[Source], bool]) -> pytest.MarkDecorator:
    """Return the mark that runs a test for each of some sources."""
    chosen = {name: source for name, source in EVERY.items() if wanted(source)}
    return pytest.mark.parametrize("source", chosen.values(), ids=[*chosen])


each = those(lambda source: True)


def handled(store: MemoryStore, orders: Orders, *records: Record) -> list[Any]:
    return failures(idempotent_records(store=store, name="orders")(orders)(batch(*records), None))


def delivered(
    store: MemoryStore, orders: Orders, source: Source, items: str, **options: Any
) -> list[Any]:
    """Return the failures of a batch with these items."""
    handler = idempotent_records(store=store, name="orders", key=source.key, **options)(orders)
    return failures(handler(source.event(*map(source.make, items)), None))


# Every source -------------------------------------------------------------------------------------


@each
def test_a_batch_without_failures_names_none(store: MemoryStore, source: Source) -> None:
    orders = Orders()
    assert delivered(store, orders, source, "123") == []
    assert orders.done == ["1", "2", "3"]


@each
def test_a_redelivered_batch_has_no_second_effect(store: MemoryStore, source: Source) -> None:
    orders = Orders()
    assert delivered(store, orders, source, "12") == []
    assert delivered(store, orders, source, "123") == []
    assert orders.done == ["1", "2", "3"]


@those(lambda source: source.identifier is not None)
def test_a_record_that_failed_is_named_and_runs_when_it_comes_again(
    store: MemoryStore, source: Source
) -> None:
    orders = Orders("2")
    assert source.identifier is not None
    assert delivered(store, orders, source, "12") == [source.identifier("2")]
    orders.poisoned.clear()
    assert delivered(store, orders, source, "2") == []
    assert orders.done == ["1", "2"]


@each
def test_where_no_response_is_read_the_batch_fails_and_what_is_done_stays_done(
    store: MemoryStore, source: Source
) -> None:
    options = {} if source.identifier is None else {"report_batch_item_failures": False}
    orders = Orders("2")
    with pytest.raises(BatchError, match=r"^1 of 2 records of [\w -]+ failed .* whole batch"):
        delivered(store, orders, source, "12", **options)
    orders.poisoned.clear()
    assert delivered(store, orders, source, "12", **options) == []
    assert orders.done == ["1", "2"]


@each
def test_the_handler_gets_the_record_as_it_was_delivered(
    store: MemoryStore, source: Source
) -> None:
    seen: list[Any] = []
    record, context = source.make("1"), object()
    handler = idempotent_records(store=store, key=source.key)(lambda *given: seen.append(given))
    handler(source.event(record), context)
    assert seen == [(record, context)]
    assert seen[0][0] is record


@those(lambda source: source.ordered and source.identifier is not None)
def test_what_follows_a_failure_is_named_and_does_not_run(
    store: MemoryStore, source: Source
) -> None:
    orders = Orders("2")
    assert source.identifier is not None
    failed = [source.identifier("2"), source.identifier("3")]
    assert delivered(store, orders, source, "123") == failed
    assert orders.started == ["1", "2"]


@those(lambda source: source.ordered)
def test_what_follows_a_failure_does_not_run_where_no_response_is_read(
    store: MemoryStore, source: Source
) -> None:
    orders = Orders("2")
    with pytest.raises(BatchError, match=r"^2 of 3 records"):
        delivered(store, orders, source, "123", report_batch_item_failures=False)
    assert orders.started == ["1", "2"]


@those(lambda source: source.ordered)
def test_what_follows_a_failure_is_not_claimed(store: MemoryStore, source: Source) -> None:
    options = {"report_batch_item_failures": False}
    with pytest.raises(BatchError):
        delivered(store, Orders("1"), source, "12", **options)
    assert delivered(store, Orders(), source, "2") == []  # it would be in progress


@those(lambda source: not source.ordered)
def test_where_there_is_no_order_others_go_on(store: MemoryStore, source: Source) -> None:
    orders = Orders("1")
    with pytest.raises(BatchError):
        delivered(store, orders, source, "123", report_batch_item_failures=False)
    assert orders.done == ["2", "3"]


# Standard queues ----------------------------------------------------------------------------------


def test_messages_of_a_standard_queue_fail_alone(store: MemoryStore) -> None:
    orders = Orders("1", "3")
    assert handled(store, orders, *map(sqs, "12345")) == ["1", "3"]
    assert orders.done == ["2", "4", "5"]


def test_messages_of_a_fair_queue_fail_alone(store: MemoryStore) -> None:
    orders = Orders("1")
    assert handled(store, orders, sqs("1", group="a"), sqs("2", group="a")) == ["1"]
    assert orders.done == ["2"]


# FIFO queues --------------------------------------------------------------------------------------


def test_a_failure_stops_its_message_group_and_no_other(store: MemoryStore) -> None:
    orders = Orders("2")
    records = [fifo("1"), fifo("2"), fifo("3", "b"), fifo("4"), fifo("5", "b"), fifo("6")]
    assert handled(store, orders, *records) == ["2", "4", "6"]
    assert orders.started == ["1", "2", "3", "5"]


def test_each_group_stops_at_its_own_failure(store: MemoryStore) -> None:
    orders = Orders("1", "4")
    records = [fifo("1"), fifo("2", "b"), fifo("3"), fifo("4", "b"), fifo("5", "b")]
    assert handled(store, orders, *records) == ["1", "3", "4", "5"]
    assert orders.done == ["2"]


def test_the_rest_of_a_group_is_in_order_when_it_comes_again(store: MemoryStore) -> None:
    orders = Orders("1")
    handled(store, orders, *map(fifo, "123"))
    orders.poisoned.clear()
    assert handled(store, orders, *map(fifo, "123")) == []
    assert orders.done == ["1", "2", "3"]


# Streams ------------------------------------------------------------------------------------------


def test_one_sequence_number_in_two_shards_is_two_records(store: MemoryStore) -> None:
    orders = Orders()
    handled(store, orders, kinesis("1", shard="0"))
    handled(store, orders, kinesis("1", shard="1"))
    assert orders.done == ["1", "1"]


def test_one_sequence_number_of_two_events_is_two_records(store: MemoryStore) -> None:
    orders = Orders()
    handled(store, orders, dynamodb("1", event_id="a"))
    handled(store, orders, dynamodb("1", event_id="b"))
    assert orders.done == ["1", "1"]
