"""The id of a record, told without a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from kit.batches import dynamodb, kinesis, sqs
from kit.http_events import Http, alb, http_1, http_2, rest
from lambda_idempotency import (
    Claim,
    ConfigurationError,
    MemoryStore,
    MissingKeyError,
    Reply,
    current,
    idempotent,
    idempotent_function,
    idempotent_records,
)

EVENT: Final = {"id": 7, "amount": 5}


class Watched(MemoryStore):
    """A store that tells which ids it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def claim(self, claim: Claim, *args: Any, **kwargs: Any) -> Reply:
        """Keep the id."""
        self.asked.append(claim.key)
        return super().claim(claim, *args, **kwargs)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.mark.parametrize("key", [None, "id", "[id, amount]", lambda event: event["id"]])
def test_a_handler_tells_the_id_that_a_call_has(watched: Watched, key: Any) -> None:
    handler = idempotent(store=watched, key=key)(lambda event, context: current().key)
    told = handler.record_id(EVENT)
    assert watched.asked == []
    assert handler(EVENT, None) == told
    assert watched.asked == [told]
    assert handler.record_id(EVENT, None) == told != handler.record_id({"id": 8, "amount": 1})


def test_an_async_handler_tells_it_at_once(watched: Watched) -> None:
    @idempotent(store=watched)
    async def handler(event: Any, context: Any) -> Any:
        return current().key

    assert handler.record_id(EVENT) == handler(EVENT, None)


@pytest.mark.parametrize("shape", [rest, http_1, http_2, alb])
@pytest.mark.parametrize("key", [None, "body.amount"])
def test_a_request_has_the_id_that_its_call_has(
    watched: Watched, shape: Callable[[Http], Any], key: Any
) -> None:
    handler = idempotent(store=watched, key=key)(lambda event, context: {"statusCode": 201})
    told = handler.record_id(shape(Http(caller="jane")))
    handler(shape(Http(caller="jane")), None)
    assert watched.asked == [told] != [handler.record_id(shape(Http(caller="joe")))]


def test_a_request_without_a_record_is_refused(watched: Watched) -> None:
    handler = idempotent(store=watched)(lambda event, context: None)
    with pytest.raises(MissingKeyError, match="method GET has no record"):
        handler.record_id(rest(Http(method="GET")))
    with pytest.raises(MissingKeyError, match="no key"):
        handler.record_id(rest(Http(headers=())))


def test_an_event_without_a_key_is_refused_also_where_it_would_run(watched: Watched) -> None:
    handler = idempotent(store=watched, key="id", on_missing_key="bypass")(lambda event, _: None)
    with pytest.raises(MissingKeyError, match="'id'"):
        handler.record_id({})


@pytest.mark.parametrize("key", [None, "order", lambda arguments: arguments["order"]])
def test_a_function_tells_the_id_that_a_call_has(watched: Watched, key: Any) -> None:
    @idempotent_function(store=watched, key=key)
    def charge(order: int, note: str = "") -> None:
        return None

    told: Any = charge.record_id  # type: ignore[attr-defined]
    expected = told(7, note="x")
    charge(note="x", order=7)
    assert watched.asked == [expected] == [told(order=7, note="x")] != [told(8, "x")]
    with pytest.raises(TypeError):
        told()


def test_an_async_function_tells_it_at_once(watched: Watched) -> None:
    @idempotent_function(store=watched)
    async def charge(order: int) -> None:
        return None

    assert charge.record_id(7).startswith("local#")  # type: ignore[attr-defined]


def test_a_method_takes_its_object_first(watched: Watched) -> None:
    class Shop:
        @idempotent_function(store=watched)
        def charge(self, order: int) -> None:
            return None

    shop = Shop()
    told = shop.charge.record_id(shop, 7)  # type: ignore[attr-defined]
    shop.charge(7)
    assert watched.asked == [told]


@pytest.mark.parametrize("record", [sqs, kinesis, dynamodb])
def test_a_batch_tells_the_ids_that_its_records_have(
    watched: Watched, record: Callable[[str], Any]
) -> None:
    handler = idempotent_records(store=watched)(lambda record, context: None)
    batch = {"Records": [record("1"), record("2")]}
    told = handler.record_ids(batch)
    assert handler(batch, None) == {"batchItemFailures": []}
    assert watched.asked == told
    assert len(set(told)) == 2


# Where there are no records -----------------------------------------------------------------------


def decorated(**options: Any) -> list[Callable[[], Any]]:
    """Return the ways to ask for an id, decorated where they are called."""
    handler = idempotent(**options)(lambda event, context: None)
    records = idempotent_records(**options)(lambda record, context: None)

    @idempotent_function(**options)
    def charge(order: int) -> None:
        return None

    return [
        lambda: handler.record_id(EVENT),
        lambda: charge.record_id(7),  # type: ignore[attr-defined]
        lambda: records.record_ids({"Records": [sqs("1")]}),
    ]


@pytest.mark.parametrize("number", range(3))
def test_without_a_store_there_is_no_id(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.delenv("IDEMPOTENCY_STORE", raising=False)
    with pytest.raises(ConfigurationError, match="no store is configured"):
        decorated()[number]()


@pytest.mark.parametrize("number", range(3))
def test_where_the_layer_is_off_there_is_no_id(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_DISABLED", "true")
    with pytest.raises(ConfigurationError, match="IDEMPOTENCY_DISABLED is set"):
        decorated(store=MemoryStore())[number]()
