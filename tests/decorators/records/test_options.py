"""The places of `@idempotent_records`, its options, and its events."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from kit.batches import Orders, Record, batch, dynamodb, failures, fifo, kinesis, sqs
from lambda_idempotency import (
    BatchError,
    ConfigurationError,
    MemoryStore,
    idempotent,
    idempotent_records,
)
from lambda_idempotency.decorators.callables import MARK
from lambda_idempotency.protocol.record import Completion


def no_op(record: Any, context: Any) -> None: ...


# What it is applied to ----------------------------------------------------------------------------


@pytest.mark.parametrize("applied", ["bare", "called"])
def test_the_decorator_works_with_and_without_parentheses(
    monkeypatch: pytest.MonkeyPatch, applied: str
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_STORE", "memory")
    orders = Orders()
    handler = idempotent_records(orders) if applied == "bare" else idempotent_records()(orders)
    for _ in range(2):
        assert failures(handler(batch(sqs("1")), None)) == []
    assert orders.done == ["1"]


def test_the_lambda_handler_keeps_the_name_and_can_be_called_without_a_context(
    store: MemoryStore,
) -> None:
    handler = idempotent_records(store=store)(no_op)
    assert handler.__name__ == "no_op"
    assert getattr(handler, MARK)
    assert failures(handler(batch(sqs("1")))) == []


def test_an_async_handler_becomes_a_synchronous_lambda_handler(store: MemoryStore) -> None:
    done = []

    @idempotent_records(store=store)
    async def handler(record: Record, context: Any) -> None:
        done.append(record["messageId"])

    assert not inspect.iscoroutinefunction(inspect.unwrap(handler))
    assert failures(handler(batch(*map(sqs, "12")), None)) == []
    assert failures(handler(batch(*map(sqs, "12")), None)) == []
    assert done == ["1", "2"]


@pytest.mark.parametrize("handler", [None, "handler", 7])
def test_what_is_no_function_is_refused(store: MemoryStore, handler: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected a function of a record and a context"):
        idempotent_records(store=store)(handler)


def one(record: Any) -> None: ...


def three(record: Any, context: Any, more: Any) -> None: ...


@pytest.mark.parametrize("handler", [one, three])
def test_a_function_that_takes_others_is_refused(
    store: MemoryStore, handler: Callable[..., Any]
) -> None:
    with pytest.raises(ConfigurationError, match="expected a function of a record and a context"):
        idempotent_records(store=store)(handler)


# Options ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"key": "body."}, {"lease": -1}, {"on_in_progress": "wat"}, {"max_attempts": 0}, {"store": 1}],
)
def test_a_senseless_option_is_refused_by_its_name(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"^@idempotent_records: .*{next(iter(options))}"):
        idempotent_records(**{"store": MemoryStore(), **options})


def test_without_a_store_it_can_be_imported_but_not_called() -> None:
    handler = idempotent_records(no_op)
    with pytest.raises(ConfigurationError, match="@idempotent_records: no store is configured"):
        handler(batch(sqs("1")), None)


@pytest.mark.parametrize("make", [sqs, fifo, kinesis, dynamodb])
def test_a_disabled_layer_runs_every_record_and_reports_all_the_same(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[str], Record]
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_DISABLED", "true")
    orders = Orders("2")
    handler = idempotent_records(orders)
    for _ in range(2):
        assert failures(handler(batch(make("1"), make("2")), None)) == ["2"]
    assert orders.done == ["1", "1"]


def test_a_disabled_layer_raises_where_failures_are_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_DISABLED", "true")
    handler = idempotent_records(report_batch_item_failures=False)(Orders("1"))
    with pytest.raises(BatchError, match=r"^1 of 2 records of SQS"):
        handler(batch(sqs("1"), sqs("2")), None)


def test_answers_are_kept_as_long_as_told(store: MemoryStore) -> None:
    kept: list[int] = []

    class Store(MemoryStore):
        def complete(self, completion: Completion) -> Any:
            kept.append(completion.expires_after_ms)
            return super().complete(completion)

    idempotent_records(store=Store(), expires_after=60)(no_op)(batch(sqs("1")), None)
    assert kept == [60_000]


# Events -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        {"order_id": 7},
        {"Records": [{"eventSource": "aws:s3"}]},
        {"Records": [{"EventSource": "aws:sns"}]},
        {"Records": {}},
        {"Records": [{"eventSource": "aws:kafka"}]},
        {"eventSource": "aws:sqs", "messageId": "1"},
        {"eventSource": "aws:kafka", "records": None},
        [],
        [{"eventSource": "aws:docdb"}],
        [{"eventSource": "aws:s3"}],
    ],
)
def test_what_is_no_batch_is_refused(store: MemoryStore, event: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"the event is no batch .* use @idempotent"):
        idempotent_records(store=store)(no_op)(event, None)


def test_an_empty_batch_has_no_failures(store: MemoryStore) -> None:
    assert failures(idempotent_records(store=store)(no_op)(batch(), None)) == []


def test_a_tumbling_window_is_refused(store: MemoryStore) -> None:
    event = {**batch(kinesis("1")), "window": {"start": "a", "end": "b"}, "state": {}}
    with pytest.raises(ConfigurationError, match="tumbling window"):
        idempotent_records(store=store)(no_op)(event, None)


def _without(record: Record, *path: str) -> Record:
    where = record
    for name in path[:-1]:
        where = where[name]
    del where[path[-1]]
    return record


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (_without(sqs("1"), "messageId"), "messageId"),
        (_without(sqs("1"), "eventSourceARN"), "eventSourceARN"),
        (_without(fifo("1"), "attributes", "MessageGroupId"), "attributes.MessageGroupId"),
        (_without(kinesis("1"), "kinesis", "sequenceNumber"), "kinesis.sequenceNumber"),
        (_without(kinesis("1"), "eventID"), "eventID"),
        (_without(dynamodb("1"), "dynamodb", "SequenceNumber"), "dynamodb.SequenceNumber"),
        (sqs(""), "messageId"),
    ],
)
def test_a_record_that_cannot_be_named_refuses_the_batch(
    store: MemoryStore, record: Record, name: str
) -> None:
    orders = Orders()
    first: dict[str, Callable[[str], Record]] = {
        "aws:sqs": sqs,
        "aws:kinesis": kinesis,
        "aws:dynamodb": dynamodb,
    }
    event = batch(first[record["eventSource"]]("0"), record)
    with pytest.raises(ConfigurationError, match=rf"record 1 of the batch lacks {name}"):
        idempotent_records(store=store)(orders)(event, None)
    assert orders.started == []


def test_records_of_two_sources_are_refused(store: MemoryStore) -> None:
    with pytest.raises(ConfigurationError, match="record 1 of the batch is not of aws:sqs"):
        idempotent_records(store=store)(no_op)(batch(sqs("1"), kinesis("2")), None)


def test_idempotent_names_the_decorator_for_batches(store: MemoryStore) -> None:
    with pytest.raises(ConfigurationError, match="with @idempotent_records instead"):
        idempotent(store=store)(no_op)(batch(sqs("1")), None)
