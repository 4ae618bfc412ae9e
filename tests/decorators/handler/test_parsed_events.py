"""Events that a decorator above ours has parsed: they are read as the JSON that they stand for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

import pydantic
import pytest
from aws_lambda_powertools.utilities import data_classes
from aws_lambda_powertools.utilities.parser import models

from kit.batches import sqs
from kit.http_events import KEY
from lambda_idempotency import (
    ConfigurationError,
    FingerprintMismatchError,
    MemoryStore,
    MissingKeyError,
    idempotent,
    idempotent_records,
)

HTTP: Final[dict[str, Any]] = {
    "version": "2.0",
    "routeKey": "POST /orders",
    "rawPath": "/orders",
    "rawQueryString": "",
    "headers": {"Idempotency-Key": KEY},
    "requestContext": {
        "accountId": "1",
        "apiId": "a",
        "domainName": "a.lambda-url.us-east-1.on.aws",
        "domainPrefix": "a",
        "http": {
            "method": "POST",
            "path": "/orders",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1/32",
            "userAgent": "test",
        },
        "requestId": "r",
        "routeKey": "POST /orders",
        "stage": "$default",
        "time": "12/Mar/2020:19:03:58 +0000",
        "timeEpoch": 1583348638390,
    },
    "body": '{"amount": 5}',
    "isBase64Encoded": False,
}


class Line(pydantic.BaseModel):
    sku_code: str = pydantic.Field(alias="skuCode")


class Order(pydantic.BaseModel):
    id: int
    sent_at: str = pydantic.Field(alias="sentAt")
    lines: list[Line] = []
    password: pydantic.SecretStr | None = None


@dataclass
class OrderData:
    id: int
    sent_at: str = "then"
    lines: list[Any] = field(default_factory=list)


class Wrapped:
    """A data class of Powertools 1, which is no mapping."""

    def __init__(self, raw_event: Any) -> None:
        self.raw_event = raw_event


class Handler:
    """Counts its runs, and keeps the events that it was given."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def __call__(self, event: Any, context: Any) -> Any:
        self.events.append(event)
        return {"statusCode": 201, "body": str(len(self.events))}


def order(number: int = 7, sent: str = "now") -> Order:
    return Order.model_validate({"id": number, "sentAt": sent, "lines": [{"skuCode": "a"}]})


# HTTP mode ----------------------------------------------------------------------------------------


PARSERS: Final[list[Any]] = [
    models.LambdaFunctionUrlModel.model_validate,
    data_classes.APIGatewayProxyEventV2,
    Wrapped,
]


@pytest.mark.parametrize("parse", PARSERS)
def test_a_parsed_request_is_a_request(store: MemoryStore, parse: Any) -> None:
    inner = Handler()
    handler = idempotent(store=store)(inner)
    request = parse(HTTP)
    first, again = handler(request, None), handler(parse(HTTP), None)
    assert again["headers"]["Idempotency-Replayed"] == "true"
    assert again["body"] == first["body"]
    assert handler(parse({**HTTP, "body": "{}"}), None)["statusCode"] == 422
    assert handler(parse({**HTTP, "headers": {}}), None)["statusCode"] == 400
    [given] = inner.events
    assert given is request


def test_a_parsed_request_and_the_delivered_one_are_one(store: MemoryStore) -> None:
    handler = idempotent(store=store)(Handler())
    parsed = models.LambdaFunctionUrlModel.model_validate(HTTP)
    wrapped = data_classes.APIGatewayProxyEventV2(HTTP)
    assert handler.record_id(HTTP) == handler.record_id(parsed) == handler.record_id(wrapped)


def test_an_expression_sees_the_decoded_body_of_a_parsed_request(store: MemoryStore) -> None:
    inner = Handler()
    handler = idempotent(store=store, key="body.amount")(inner)
    for parse in PARSERS:
        assert handler(parse({**HTTP, "headers": {}}), None)["body"] == "1"


def rest(**context: Any) -> dict[str, Any]:
    """Return a request of a REST API with these parts of its context."""
    return {
        **dict.fromkeys(("pathParameters", "queryStringParameters", "stageVariables")),
        "multiValueQueryStringParameters": None,
        "resource": "/pay",
        "path": "/pay",
        "httpMethod": "POST",
        "version": None,
        "headers": {"Idempotency-Key": KEY},
        "multiValueHeaders": {"Idempotency-Key": [KEY]},
        "body": "{}",
        "isBase64Encoded": False,
        "requestContext": {
            "accountId": "1",
            "apiId": "a",
            "stage": "prod",
            "protocol": "HTTP/1.1",
            "requestId": "r",
            "requestTime": "t",
            "requestTimeEpoch": 1583348638390,
            "resourcePath": "/pay",
            "httpMethod": "POST",
            "path": "/pay",
            "domainName": "a",
            "identity": {"sourceIp": "192.0.2.1/32"},
            **context,
        },
    }


def message(**context: Any) -> dict[str, Any]:
    """Return a message of a WebSocket API."""
    delivered = rest(
        routeKey="pay",
        messageId="m",
        eventType="MESSAGE",
        connectionId="c",
        extendedRequestId="e",
        messageDirection="IN",
        connectedAt=1583348638390,
        **context,
    )
    return {name: delivered[name] for name in ("requestContext", "body", "isBase64Encoded")}


class Part(pydantic.BaseModel):
    """A model of some of a request's fields."""

    rawPath: str  # noqa: N815
    routeKey: str  # noqa: N815
    version: str
    headers: dict[str, str]
    body: str
    requestContext: dict[str, Any]  # noqa: N815


REST_API: Final = models.APIGatewayProxyEventModel
LAMBDA: Final = {"principalId": "alice", "tenant": "acme"}


@pytest.mark.parametrize(
    ("model", "delivered", "lost"),
    [
        (REST_API, rest(authorizer=LAMBDA), "requestContext.authorizer"),
        (
            models.APIGatewayProxyEventV2Model,
            {**HTTP, "requestContext": {**HTTP["requestContext"], "domainName": "a.example"}},
            "requestContext.authentication",
        ),
        (
            models.APIGatewayWebSocketMessageEventModel,
            message(authorizer=LAMBDA),
            "requestContext.authorizer",
        ),
        (Part, {**HTTP, "rawQueryString": "a=1"}, "isBase64Encoded"),
    ],
)
def test_a_model_that_keeps_not_all_of_a_request_is_refused(
    store: MemoryStore, model: Any, delivered: Any, lost: str
) -> None:
    handler = idempotent(store=store, key="body")(Handler())
    with pytest.raises(ConfigurationError, match=rf"{model.__name__}.*not keep {lost}.*ours above"):
        handler(model.model_validate(delivered), None)


@pytest.mark.parametrize("authorizer", [None, {"claims": {"iss": "i", "sub": "alice"}}])
def test_a_model_that_keeps_all_of_a_request_is_the_request(
    store: MemoryStore, authorizer: Any
) -> None:
    handler = idempotent(store=store)(Handler())
    delivered = rest(authorizer=authorizer)
    assert handler.record_id(REST_API.model_validate(delivered)) == handler.record_id(delivered)


@pytest.mark.parametrize("http", ["ietf", None])
def test_what_an_envelope_took_out_of_an_event_is_no_key(store: MemoryStore, http: Any) -> None:
    handler = idempotent(store=store, http=http)(Handler())
    with pytest.raises(ConfigurationError, match=r"the event is a Order.*ours above.*or pass key="):
        handler(order(), None)


# Other events -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    ["id", "[id, lines[0].skuCode]", "lines[*].sku_code", lambda event: event.id],
)
def test_a_model_has_the_key_that_an_expression_finds_in_it(store: MemoryStore, key: Any) -> None:
    inner = Handler()
    handler = idempotent(store=store, key=key, http="ietf")(inner)
    first = order()
    assert handler(first, None) == handler(order(sent="later"), None)
    assert len(inner.events) == 1
    assert inner.events[0] is first


def test_a_callable_that_finds_nothing_in_a_model_is_named(store: MemoryStore) -> None:
    def order_id(event: Order) -> Any:
        return event.order_id  # type: ignore[attr-defined]

    handler = idempotent(store=store, key=order_id)(Handler())
    with pytest.raises(MissingKeyError, match=r"AttributeError.*option key is test_.*\.order_id\."):
        handler(order(), None)


@pytest.mark.parametrize("name", ["sentAt", "sent_at"])
def test_a_field_is_found_by_its_name_in_json_and_in_code(store: MemoryStore, name: str) -> None:
    handler = idempotent(store=store, key=name)(Handler())
    assert handler.record_id(order(1)) == handler.record_id({name: "now"})


def test_a_model_is_as_a_whole_the_json_that_it_stands_for(store: MemoryStore) -> None:
    handler = idempotent(store=store, key="@")(Handler())
    delivered = {"id": 7, "sentAt": "now", "lines": [{"skuCode": "a"}]}
    assert handler.record_id(order()) == handler.record_id(delivered)
    assert handler.record_id(order()) != handler.record_id(order(8))


def test_secrets_of_a_model_are_told_apart_as_a_fingerprint(store: MemoryStore) -> None:
    handler = idempotent(store=store, key="id", fingerprint="password")(Handler())
    handler(order().model_copy(update={"password": pydantic.SecretStr("a")}), None)
    with pytest.raises(FingerprintMismatchError):
        handler(order().model_copy(update={"password": pydantic.SecretStr("b")}), None)


def test_a_dataclass_is_read_as_well(store: MemoryStore) -> None:
    handler = idempotent(store=store, key="id")(Handler())
    assert handler.record_id(OrderData(7)) == handler.record_id({"id": 7})


def test_a_call_without_a_key_gets_the_object_too(store: MemoryStore) -> None:
    inner = Handler()
    handler = idempotent(store=store, key="nothing", on_missing_key="bypass")(inner)
    given = order()
    handler(given, None)
    assert inner.events[0] is given


class Opaque:
    """An event of which nothing is known."""

    id = 7


@pytest.mark.parametrize("key", [None, "id"])
def test_an_object_that_stands_for_no_json_is_refused_by_its_name(
    store: MemoryStore, key: Any
) -> None:
    inner = Handler()
    handler = idempotent(store=store, key=key, on_missing_key="bypass")(inner)
    for event, why in ((Opaque(), "a Opaque"), (OrderData(7, lines=[Opaque()]), "a OrderData")):
        with pytest.raises(ConfigurationError, match=f"@idempotent: the event is {why}.*above"):
            handler(event, None)
    assert inner.events == []


@pytest.mark.parametrize(
    ("key", "selected"),
    [
        ("keys(@)", ["id", "lines", "sentAt"]),
        ("sort_by(lines, &sku_code)[*].skuCode", ["a"]),
        ("merge(@, {id: `1`}).sentAt", "now"),
        ("type(@)", "object"),
    ],
)
def test_functions_take_a_model_for_an_object(store: MemoryStore, key: str, selected: Any) -> None:
    handler = idempotent(store=store, key=key)(Handler())
    as_selected = idempotent(store=MemoryStore(), key=lambda _: selected)(Handler())
    assert handler.record_id(order()) == as_selected.record_id({})


def test_the_messages_of_a_batch_as_a_list_of_models_are_refused(store: MemoryStore) -> None:
    handler = idempotent(store=store)(Handler())
    with pytest.raises(ConfigurationError, match=r"a list of Order.*@idempotent_records above"):
        handler([order()], None)


# Batches ------------------------------------------------------------------------------------------

BATCH: Final = {
    "Records": [
        {
            **sqs("1", {"id": 7}),
            "md5OfBody": "0cc175b9c0f1b6a831c399e269772661",
            "attributes": {
                "ApproximateReceiveCount": "1",
                "ApproximateFirstReceiveTimestamp": "1545082649185",
                "SenderId": "x",
                "SentTimestamp": "1545082649183",
            },
        }
    ]
}


def test_a_parsed_batch_is_a_batch(store: MemoryStore) -> None:
    handler = idempotent(store=store)(Handler())
    for event in (models.SqsModel.model_validate(BATCH), data_classes.SQSEvent(BATCH)):
        with pytest.raises(ConfigurationError, match="batch of aws:sqs records"):
            handler(event, None)


def test_the_records_of_a_data_class_are_handled_as_they_were_delivered(store: MemoryStore) -> None:
    given: list[Any] = []
    handler = idempotent_records(store=store)(lambda record, _: given.append(record))
    for event in (data_classes.SQSEvent(BATCH), Wrapped(BATCH)):
        assert handler(event, None) == {"batchItemFailures": []}
    assert [json.loads(record["body"]) for record in given] == [{"id": 7}]


def test_a_batch_in_a_model_is_refused_by_its_name(store: MemoryStore) -> None:
    handler = idempotent_records(store=store)(lambda record, _: None)
    with pytest.raises(ConfigurationError, match=r"the event is a SqsModel.*put ours above"):
        handler(models.SqsModel.model_validate(BATCH), None)
