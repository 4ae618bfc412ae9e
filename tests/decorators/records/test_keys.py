"""Keys that make two records the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kit.batches import FIFO_QUEUE, Orders, Record, batch, dynamodb, failures, kinesis, sqs
from lambda_idempotency import MemoryStore, current, idempotent_records

Handle = Callable[..., list[str]]


@pytest.fixture
def orders() -> Orders:
    return Orders()


@pytest.fixture
def handle(store: MemoryStore, orders: Orders) -> Handle:
    """Return a function that handles records with the given options; all calls share a store."""

    def call(*records: Record, **options: Any) -> list[str]:
        handler = idempotent_records(store=store, name=f"by {options}", **options)(orders)
        return failures(handler(batch(*records), None))

    return call


@pytest.mark.parametrize("make", [sqs, kinesis])
@pytest.mark.parametrize(("key", "path"), [("order", "order.id"), ("list", "order.tags[0]")])
def test_a_key_sees_the_decoded_text(
    handle: Handle, orders: Orders, make: Callable[..., Record], key: str, path: str
) -> None:
    data = {"order": {"id": 7, "tags": ["x"]}}
    start = "body" if make is sqs else "kinesis.data"
    options = {"key": f"{start}.{path}"}
    assert handle(make("1", data), **options) == []
    assert handle(make("2", {**data, "sent": 2}), **options) == []
    assert orders.done == ["1"]


def test_a_key_sees_the_images_with_their_types(handle: Handle, orders: Orders) -> None:
    handle(dynamodb("1", "a"), dynamodb("2", "a"), dynamodb("3", "b"), key="dynamodb.Keys.id.S")
    assert orders.done == ["1", "3"]


def test_a_key_can_be_a_callable(handle: Handle, orders: Orders) -> None:
    handle(sqs("1", {"n": 1}), sqs("2", {"n": 1}), key=lambda record: record["body"]["n"])
    assert orders.done == ["1"]


def test_a_text_that_is_not_json_is_seen_as_it_is(handle: Handle, orders: Orders) -> None:
    handle(sqs("1", "order 7"), sqs("2", "order 7"), key="body")
    handle(kinesis("3", b"order 8"), kinesis("4", b"order 8"), key="kinesis.data")
    assert orders.done == ["1", "3"]


def test_another_key_is_another_record(handle: Handle, orders: Orders) -> None:
    handle(sqs("1", {"id": 1}), sqs("2", {"id": 2}), key="body.id")
    assert orders.done == ["1", "2"]


def test_the_same_key_of_another_source_is_another_record(handle: Handle, orders: Orders) -> None:
    handle(sqs("1", {"id": 1}), key="body.id")
    handle(sqs("2", {"id": 1}, arn=f"{FIFO_QUEUE[:-5]}-2"), key="body.id")
    assert orders.done == ["1", "2"]


def test_the_same_message_id_of_another_queue_is_another_record(
    handle: Handle, orders: Orders
) -> None:
    handle(sqs("1"))
    handle(sqs("1", arn=f"{FIFO_QUEUE[:-5]}-2"))
    assert orders.done == ["1", "1"]


def test_what_a_redelivery_changes_is_no_part_of_the_record(handle: Handle, orders: Orders) -> None:
    again = sqs("1")
    again["receiptHandle"] = "another"
    again["attributes"]["ApproximateReceiveCount"] = "2"
    assert handle(sqs("1")) == handle(again) == []
    assert orders.done == ["1"]


@pytest.mark.parametrize("make", [sqs, kinesis])
def test_other_data_under_the_same_identity_is_a_failure(
    handle: Handle, orders: Orders, make: Callable[..., Record]
) -> None:
    assert handle(make("1", {"n": 1})) == []
    assert handle(make("1", {"n": 2})) == ["1"]
    assert orders.done == ["1"]


def test_another_image_under_the_same_identity_is_a_failure(handle: Handle) -> None:
    assert handle(dynamodb("1", "a")) == []
    assert handle(dynamodb("1", "b")) == ["1"]


def test_with_a_key_other_data_are_a_duplicate(handle: Handle, orders: Orders) -> None:
    assert handle(sqs("1", {"id": 1, "n": 1}), sqs("2", {"id": 1, "n": 2}), key="body.id") == []
    assert orders.done == ["1"]


def test_with_a_fingerprint_other_data_are_a_failure(handle: Handle, orders: Orders) -> None:
    records = (sqs("1", {"id": 1, "n": 1}), sqs("2", {"id": 1, "n": 2}))
    assert handle(*records, key="body.id", fingerprint="body.n") == ["2"]
    assert orders.done == ["1"]


def test_a_fingerprint_works_without_a_key(handle: Handle) -> None:
    assert handle(sqs("1", {"n": 1, "m": 1}), fingerprint="body.n") == []
    assert handle(sqs("1", {"n": 1, "m": 2}), fingerprint="body.n") == []
    assert handle(sqs("1", {"n": 2, "m": 2}), fingerprint="body.n") == ["1"]


def test_the_key_of_the_settings_names_records_too(
    handle: Handle, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_KEY", "body.id")
    handle(sqs("1", {"id": 1}), sqs("2", {"id": 1}))
    assert orders.done == ["1"]


# Missing keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{}, {"id": None}, {"id": ""}, "no json", '{"id": 1, "id": 2}'])
def test_a_record_without_a_key_fails_alone(handle: Handle, orders: Orders, body: Any) -> None:
    assert handle(sqs("1", body), sqs("2", {"id": 2}), key="body.id") == ["1"]
    assert orders.started == ["2"]


def test_bypass_runs_a_record_without_a_key(handle: Handle, orders: Orders) -> None:
    for _ in range(2):
        assert handle(sqs("1"), key="body.id", on_missing_key="bypass") == []
    assert orders.done == ["1", "1"]


def test_bypass_does_not_run_a_record_with_an_ambiguous_key(handle: Handle, orders: Orders) -> None:
    record = sqs("1", '{"id": 1, "id": 2}')
    assert handle(record, key="body.id", on_missing_key="bypass") == ["1"]
    assert orders.started == []


def test_a_key_that_raises_fails_alone(handle: Handle, orders: Orders) -> None:
    def key(record: Any) -> Any:
        if record["messageId"] == "1":
            raise OSError("a bug")
        return record["messageId"]

    assert handle(sqs("1"), sqs("2"), key=key) == ["1"]
    assert orders.started == ["2"]


def test_the_current_attempt_is_the_record_s(store: MemoryStore) -> None:
    keys = []

    @idempotent_records(store=store, namespace="shop")
    def handler(record: Record, context: Any) -> None:
        keys.append((current().key, current().downstream_key("pay")))

    handler(batch(sqs("1"), sqs("2")), None)
    assert len(set(keys)) == 2
    assert all(key.startswith("shop#") for key, _ in keys)
    assert "body" not in json.dumps(keys)
