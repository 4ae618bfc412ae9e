"""Records of Kafka, Amazon MQ, DocumentDB and pipes: their order, their keys, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.batches import (
    EVERY,
    Orders,
    Record,
    activemq,
    by_partition,
    by_queue,
    documentdb,
    failures,
    kafka,
    kinesis,
    messages,
    piped,
    rabbitmq,
    self_managed,
    sqs,
)
from kit.batches import changes as changes_of
from lambda_idempotency import ConfigurationError, MemoryStore, idempotent, idempotent_records

Handle = Callable[..., list[Any]]


@pytest.fixture
def orders() -> Orders:
    return Orders()


@pytest.fixture
def handle(store: MemoryStore, orders: Orders) -> Handle:
    """Return a function that handles an event with the given options; all calls share a store."""

    def call(event: Any, **options: Any) -> list[Any]:
        return failures(idempotent_records(store=store, **options)(orders)(event, None))

    return call


# Kafka --------------------------------------------------------------------------------------------


def test_a_failure_stops_its_partition_and_no_other(handle: Handle, orders: Orders) -> None:
    orders.poisoned["2"] = ValueError("a bug")
    first = [kafka(item) for item in "123"]
    second = [kafka(item, partition=1) for item in "456"]
    assert handle(by_partition(*first, *second)) == [
        {"partition": "orders-0", "offset": 2},
        {"partition": "orders-0", "offset": 3},
    ]
    assert orders.started == ["1", "2", "4", "5", "6"]


def test_equal_names_of_partitions_of_two_topics_are_two(handle: Handle, orders: Orders) -> None:
    orders.poisoned["1"] = ValueError("a bug")
    records = [kafka("1", topic="a"), kafka("2", topic="b"), kafka("3", topic="a", partition=1)]
    assert handle(by_partition(*records)) == [{"partition": "a-0", "offset": 1}]


@pytest.mark.parametrize(
    "other",
    [
        by_partition(kafka("1", partition=1)),
        by_partition(kafka("1", topic="returns")),
        by_partition(kafka("1"), eventSourceArn="arn:aws:kafka:eu-west-1:1:cluster/b/c"),
        by_partition({**kafka("1"), "timestamp": 1}),
        self_managed(kafka("1")),
    ],
    ids=["partition", "topic", "cluster", "topic made anew", "self-managed"],
)
def test_one_offset_in_two_places_is_two_records(
    handle: Handle, orders: Orders, other: Any
) -> None:
    assert handle(by_partition(kafka("1"))) == handle(other) == []
    assert orders.done == ["1", "1"]


def test_two_clusters_of_ones_own_are_two(handle: Handle, orders: Orders) -> None:
    handle(self_managed(kafka("1"), brokers="a:9092"))
    handle(self_managed(kafka("1"), brokers="b:9092"))
    assert orders.done == ["1", "1"]


def test_brokers_in_another_order_are_one_cluster(handle: Handle, orders: Orders) -> None:
    handle(self_managed(kafka("1"), brokers="a:9092,b:9092"))
    handle(self_managed(kafka("1"), brokers="b:9092, a:9092"))
    assert orders.done == ["1"]


@pytest.mark.parametrize("name", ["SelfManagedKafka", "aws:SelfManagedKafka"])
def test_aws_spells_a_cluster_of_ones_own_in_two_ways(handle: Handle, name: str) -> None:
    assert handle({**self_managed(kafka("1")), "eventSource": name}) == []


def test_other_data_at_an_offset_are_a_failure(handle: Handle) -> None:
    assert handle(by_partition(kafka("1", {"n": 1}))) == []
    assert handle(by_partition(kafka("1", {"n": 2}))) == [{"partition": "orders-0", "offset": 1}]


def test_a_key_separates_topics_and_joins_partitions(handle: Handle, orders: Orders) -> None:
    first, second = kafka("1", {"id": 7}), kafka("2", {"id": 7}, partition=1)
    handle(by_partition(first, second, kafka("3", {"id": 7}, topic="returns")), key="value.id")
    assert orders.done == ["1", "3"]


def test_a_pipe_and_a_mapping_have_one_record(handle: Handle, orders: Orders) -> None:
    source = EVERY["pipe: kafka"]
    handle(by_partition(kafka("1")))
    handle(source.event(source.make("1")))
    assert orders.done == ["1"]


@pytest.mark.parametrize("value", ['{"id": 7}', '{"id": 7, "n": 1}'])
def test_json_that_a_registry_has_decoded_is_seen_as_such(handle: Handle, value: str) -> None:
    record = {**kafka("1"), "value": value, "valueSchemaMetadata": {"dataFormat": "JSON"}}
    assert handle(by_partition(record), key="value.id") == []


# Amazon MQ ----------------------------------------------------------------------------------------


def test_rabbitmq_has_no_default(handle: Handle, orders: Orders) -> None:
    with pytest.raises(ConfigurationError, match=r"RabbitMQ gives .* no id .* pass key="):
        handle(by_queue(rabbitmq("1")))
    assert orders.started == []


def test_a_disabled_layer_needs_no_key(
    handle: Handle, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_DISABLED", "true")
    assert handle(by_queue(rabbitmq("1"))) == []
    assert orders.done == ["1"]


def test_what_a_broker_changes_is_no_part_of_a_message(handle: Handle, orders: Orders) -> None:
    again = {**activemq("1"), "redelivered": True, "brokerOutTime": 7}
    assert handle(messages(activemq("1"))) == handle(messages(again)) == []
    assert orders.done == ["1"]


@pytest.mark.parametrize("name", ["aws:mq", "aws:amq"])
@pytest.mark.parametrize("queue", ["physicalName", "physicalname"])
def test_aws_spells_activemq_in_two_ways(handle: Handle, name: str, queue: str) -> None:
    message = {**activemq("1"), "destination": {queue: "orders"}}
    assert handle({**messages(message), "eventSource": name}) == []


def test_a_key_separates_queues_of_one_broker(handle: Handle, orders: Orders) -> None:
    for queue in ("orders::/", "returns::/"):
        handle(by_queue(rabbitmq("1", {"id": 7}), queue=queue), key="data.id")
    assert orders.done == ["1", "1"]
    for queue in ("orders", "returns"):
        handle(messages(activemq("2", {"id": 7}, queue=queue)), key="data.id")
    assert orders.done == ["1", "1", "2", "2"]


# DocumentDB ---------------------------------------------------------------------------------------


def test_a_document_that_is_newer_when_it_comes_again_is_no_other(
    handle: Handle, orders: Orders
) -> None:
    handle(changes_of(documentdb("1", {"n": 1})))
    handle(changes_of(documentdb("1", {"n": 2})))
    assert orders.done == ["1"]


# Pipes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "key"),
    [
        (sqs("1", {"id": 7}), "body.id"),
        (piped(kinesis("1", {"id": 7})), "data.id"),
        (EVERY["pipe: activemq"].make("1"), "messageID"),
    ],
)
def test_a_key_sees_the_flat_fields_decoded(
    handle: Handle, orders: Orders, record: Record, key: str
) -> None:
    assert handle([record], key=key) == handle([record], key=key) == []
    assert orders.done == ["1"]


def test_an_identifier_of_a_mapping_means_nothing_to_a_pipe(handle: Handle) -> None:
    record = piped(kinesis("1"))
    with pytest.raises(ConfigurationError, match="record 0 of the batch lacks eventID"):
        handle([{**record, "eventID": ""}])


# A handler of whole events ------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "eventSource"])
@pytest.mark.parametrize("source", EVERY.values(), ids=[*EVERY])
def test_a_handler_of_events_refuses_every_batch(
    store: MemoryStore, source: Any, key: str | None
) -> None:
    event = source.event(source.make("1"))
    with pytest.raises(ConfigurationError, match=r"batch of [\w:]+ records.*@idempotent_records"):
        idempotent(store=store, key=key)(lambda event, context: None)(event, None)


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        (sqs("1", "1e2"), sqs("2", "100"), "body"),
        (sqs("1", "1.10"), sqs("2", "1.1"), "body"),
        (sqs("1", '"abc"'), sqs("2", "abc"), "body"),
        (kinesis("1", b"1.10"), kinesis("2", b"1.1"), "kinesis.data"),
        (kinesis("1", b"\xff"), kinesis("2", b"/w=="), "kinesis.data"),
    ],
)
def test_two_texts_that_are_no_objects_are_two_keys(
    handle: Handle, orders: Orders, one: Record, other: Record, key: str
) -> None:
    handle({"Records": [one, other, {**one}]}, key=key)
    assert len(orders.started) == 2


def test_a_word_that_a_schema_registry_has_read_is_that_word(
    store: MemoryStore, orders: Orders
) -> None:
    keys: list[Any] = []

    def key(seen: Any) -> Any:
        keys.append(seen["value"])
        return seen["value"]

    record = {**kafka("1"), "value": '"abc"'}
    idempotent_records(store=store, key=key)(orders)(by_partition(record), None)
    assert keys == ["abc"]
