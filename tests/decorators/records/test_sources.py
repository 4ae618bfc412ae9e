"""The failed records that a batch's response names, for each source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from kit.batches import Orders, Record, batch, dynamodb, failures, fifo, kinesis, sqs
from lambda_idempotency import MemoryStore, idempotent_records

Make: TypeAlias = Callable[[str], Record]

ORDERED = pytest.mark.parametrize("make", [fifo, kinesis, dynamodb])
EVERY = pytest.mark.parametrize("make", [sqs, fifo, kinesis, dynamodb])


def handled(store: MemoryStore, orders: Orders, *records: Record) -> list[str]:
    return failures(idempotent_records(store=store, name="orders")(orders)(batch(*records), None))


# Every source -------------------------------------------------------------------------------------


@EVERY
def test_a_batch_without_failures_names_none(store: MemoryStore, make: Make) -> None:
    orders = Orders()
    assert handled(store, orders, make("1"), make("2"), make("3")) == []
    assert orders.done == ["1", "2", "3"]


@EVERY
def test_a_redelivered_batch_has_no_second_effect(store: MemoryStore, make: Make) -> None:
    orders = Orders()
    assert handled(store, orders, make("1"), make("2")) == []
    assert handled(store, orders, make("1"), make("2"), make("3")) == []
    assert orders.done == ["1", "2", "3"]


@EVERY
def test_a_record_that_failed_runs_when_it_comes_again(store: MemoryStore, make: Make) -> None:
    orders = Orders("2")
    assert "2" in handled(store, orders, make("1"), make("2"))
    orders.poisoned.clear()
    assert handled(store, orders, make("2")) == []
    assert orders.done == ["1", "2"]


@EVERY
def test_the_handler_gets_the_record_as_it_was_delivered(store: MemoryStore, make: Make) -> None:
    seen: list[Any] = []
    record, context = make("1"), object()
    idempotent_records(store=store)(lambda *given: seen.append(given))(batch(record), context)
    assert seen == [(record, context)]
    assert seen[0][0] is record


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


@pytest.mark.parametrize("make", [kinesis, dynamodb])
def test_a_stream_is_returned_from_the_first_failure_on(store: MemoryStore, make: Make) -> None:
    orders = Orders("3")
    assert handled(store, orders, *map(make, "12345")) == ["3", "4", "5"]
    assert orders.started == ["1", "2", "3"]


@ORDERED
def test_what_follows_a_failure_is_not_claimed(store: MemoryStore, make: Make) -> None:
    orders = Orders("1")
    handled(store, orders, make("1"), make("2"))
    assert handled(store, Orders(), make("2")) == []  # it would be in progress


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
