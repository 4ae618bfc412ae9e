"""The five HTTP event shapes as expressions see them, and events that stay as they came."""

from __future__ import annotations

import base64
import copy
from types import MappingProxyType
from typing import Any, Final

import pytest

from lambda_idempotency.identity.events import http_shape, is_http, view
from lambda_idempotency.identity.sources import batch_source

REST: Final[dict[str, Any]] = {
    "resource": "/orders/{id}",
    "path": "/orders/7",
    "httpMethod": "POST",
    "headers": {"Content-Type": "application/json", "Idempotency-KEY": "k"},
    "multiValueHeaders": {"Content-Type": ["application/json"], "Idempotency-KEY": ["k"]},
    "pathParameters": {"id": "7"},
    "requestContext": {"resourcePath": "/orders/{id}", "httpMethod": "POST"},
    "body": '{"id": 7}',
    "isBase64Encoded": False,
}
HTTP_1: Final = {**REST, "version": "1.0"}
HTTP_2: Final[dict[str, Any]] = {
    "version": "2.0",
    "routeKey": "POST /orders",
    "rawPath": "/orders",
    "headers": {"content-type": "application/json", "Idempotency-KEY": "k"},
    "requestContext": {"http": {"method": "POST", "path": "/orders"}},
    "body": '{"id": 7}',
    "isBase64Encoded": False,
}
FUNCTION_URL: Final = {
    **HTTP_2,
    "routeKey": "$default",
    "requestContext": {
        "domainName": "abc.lambda-url.us-east-1.on.aws",
        "http": {"method": "POST", "path": "/"},
    },
}
ALB: Final[dict[str, Any]] = {
    "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:x"}},
    "httpMethod": "POST",
    "path": "/orders",
    "headers": {"Idempotency-KEY": "k"},
    "body": '{"id": 7}',
    "isBase64Encoded": False,
}
ALB_MULTI_VALUE: Final = {
    **{name: part for name, part in ALB.items() if name != "headers"},
    "multiValueHeaders": {"Idempotency-KEY": ["k"]},
}
FORM: Final = "application/x-www-form-urlencoded"
SHAPES: Final = [REST, HTTP_1, HTTP_2, FUNCTION_URL, ALB, ALB_MULTI_VALUE]
NAMES: Final = ["rest", "http-1.0", "http-2.0", "function-url", "alb", "alb-multi-value"]

http_shapes = pytest.mark.parametrize("event", SHAPES, ids=NAMES)


@http_shapes
def test_an_http_event_is_recognised(event: dict[str, Any]) -> None:
    assert is_http(event)


@pytest.mark.parametrize(
    ("event", "shape"),
    [*zip(SHAPES, ["rest", "http-1.0", "http-2.0", "url", "alb", "alb"], strict=True)],
    ids=NAMES,
)
def test_the_shape_is_told(event: dict[str, Any], shape: str) -> None:
    assert http_shape(event) == shape


@pytest.mark.parametrize(
    "event", [{**HTTP_2, "version": "3.0"}, {**REST, "version": "9"}, {**REST, "version": 2}]
)
def test_a_request_of_another_version_is_unknown(event: dict[str, Any]) -> None:
    assert http_shape(event) == "unknown"
    assert not is_http(event)


@http_shapes
def test_the_body_is_decoded(event: dict[str, Any]) -> None:
    assert view(event)["body"] == {"id": 7}


@http_shapes
def test_a_body_in_base64_is_decoded(event: dict[str, Any]) -> None:
    encoded = base64.b64encode(b'{"id": 7}').decode()
    assert view({**event, "body": encoded, "isBase64Encoded": True})["body"] == {"id": 7}


@http_shapes
def test_header_names_are_in_lower_case(event: dict[str, Any]) -> None:
    seen = view(event)
    for form in ("headers", "multiValueHeaders"):
        if form in event:
            assert "idempotency-key" in seen[form]
            assert "Idempotency-KEY" not in seen[form]
        else:
            assert form not in seen


@http_shapes
def test_all_else_is_left_as_it_came(event: dict[str, Any]) -> None:
    seen = view(event)
    changed = {"body", "headers", "multiValueHeaders"}
    assert {name: seen[name] for name in event if name not in changed} == {
        name: event[name] for name in event if name not in changed
    }


@http_shapes
def test_the_event_itself_is_not_changed(event: dict[str, Any]) -> None:
    before = copy.deepcopy(event)
    view(event)
    assert event == before


@http_shapes
def test_null_headers_and_a_null_body_stay_null(event: dict[str, Any]) -> None:
    nulls = {**event, "headers": None, "multiValueHeaders": None, "body": None}
    seen = view(nulls)
    assert (seen["headers"], seen["multiValueHeaders"], seen["body"]) == (None, None, None)


@pytest.mark.parametrize("body", ["", "hello", "a=1&b=2", "{broken", "<xml/>"])
def test_a_body_that_is_no_json_stays_text(body: str) -> None:
    assert view({**REST, "body": body})["body"] == body


def test_a_text_in_base64_that_is_no_json_becomes_text() -> None:
    encoded = base64.b64encode("naïve".encode()).decode()
    assert view({**REST, "body": encoded, "isBase64Encoded": True})["body"] == "naïve"


def test_bytes_that_are_no_text_stay_bytes() -> None:
    encoded = base64.b64encode(b"\x89PNG\xff").decode()
    assert view({**REST, "body": encoded, "isBase64Encoded": True})["body"] == b"\x89PNG\xff"


@pytest.mark.parametrize("body", ["not base64!", "é", '{"id": 7}', "abc"])
def test_a_body_that_only_claims_to_be_base64_stays_as_it_came(body: str) -> None:
    assert view({**REST, "body": body, "isBase64Encoded": True})["body"] == body


@pytest.mark.parametrize("claim", [False, None, "true"])
def test_a_body_that_does_not_claim_base64_is_not_decoded_from_it(claim: Any) -> None:
    encoded = base64.b64encode(b"7x").decode()
    assert view({**REST, "body": encoded, "isBase64Encoded": claim})["body"] == encoded


@pytest.mark.parametrize("body", ['{"a": 1, "a": 2}', '{"a": NaN}', "[" * 100_000])
@pytest.mark.parametrize("in_base64", [False, True])
def test_a_body_that_does_not_say_one_thing_is_refused(body: str, *, in_base64: bool) -> None:
    sent = base64.b64encode(body.encode()).decode() if in_base64 else body
    with pytest.raises(ValueError, match="it "):
        view({**REST, "body": sent, "isBase64Encoded": in_base64})


@pytest.mark.parametrize(
    "body", ["NaN", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 100_000, "1.0", "null", "true", '"abc"']
)
@pytest.mark.parametrize("in_base64", [False, True])
@pytest.mark.parametrize(
    "headers",
    [
        {"headers": {"CONTENT-type": "text/plain; charset=utf-8"}},
        {"headers": None, "multiValueHeaders": {"Content-Type": ["Text/Plain"]}},
    ],
)
def test_a_body_of_another_type_stays_text(body: str, headers: Any, *, in_base64: bool) -> None:
    sent = base64.b64encode(body.encode()).decode() if in_base64 else body
    assert view({**REST, **headers, "body": sent, "isBase64Encoded": in_base64})["body"] == body


@pytest.mark.parametrize(
    "kind", ["application/json", "application/problem+json; v=1", "text/json", "text/plain", FORM]
)
def test_an_object_is_decoded_whatever_its_type(kind: str) -> None:
    event = {**REST, "headers": {"content-type": kind}, "body": '{"id": 7}'}
    assert view(event)["body"] == {"id": 7}


@pytest.mark.parametrize("kind", ["application/json", "application/problem+json"])
@pytest.mark.parametrize(("body", "value"), [("1.0", 1), ('"abc"', "abc"), ("null", None)])
def test_a_number_or_a_word_is_decoded_where_it_is_json(kind: str, body: str, value: Any) -> None:
    seen = view(
        {**REST, "headers": {"content-type": kind}, "multiValueHeaders": None, "body": body}
    )
    assert seen["body"] == value


@pytest.mark.parametrize("body", ["1.0", "1e2", '"abc"', "null", "NaN", "1" * 5000])
def test_a_number_or_a_word_of_no_type_stays_text(body: str) -> None:
    assert view({**REST, "headers": {}, "multiValueHeaders": None, "body": body})["body"] == body


def test_a_body_that_is_already_decoded_is_left_alone() -> None:
    assert view({**REST, "body": {"id": 7}})["body"] == {"id": 7}


def test_an_event_that_is_a_mapping_but_no_dict_is_seen_too() -> None:
    assert view(MappingProxyType(REST))["body"] == {"id": 7}


NOT_HTTP: Final[list[Any]] = [
    None,
    5,
    "text",
    [],
    [REST],
    {},
    {"body": '{"id": 7}'},
    {"httpMethod": "POST"},
    {"resource": "/orders"},
    {"version": "2.0", "body": '{"id": 7}'},
    {"version": "0", "detail-type": "Order", "requestContext": {}},
    {"version": ["2.0"], "requestContext": {}},
    {"requestContext": {"body": '{"id": 7}'}},
    {"requestContext": "elb"},
    # Authorizers, which are asked about a request
    {**REST, "type": "REQUEST", "methodArn": "arn:aws:execute-api:x"},
    {**HTTP_2, "type": "REQUEST", "routeArn": "arn:aws:execute-api:x"},
    # Lambda's destinations, VPC Lattice, WebSocket APIs
    {"version": "1.0", "requestContext": {"condition": "Success"}, "responsePayload": {}},
    {"version": "2.0", "method": "POST", "requestContext": {"serviceArn": "arn:aws:x"}},
    {"requestContext": {"routeKey": "$connect", "connectionId": "x"}, "body": '{"id": 7}'},
    {"Records": [{"eventSource": "aws:sqs", "body": '{"id": 7}'}]},
]


@pytest.mark.parametrize("event", NOT_HTTP)
def test_another_event_is_not_taken_for_http(event: Any) -> None:
    assert not is_http(event)


@pytest.mark.parametrize("event", NOT_HTTP)
def test_another_event_is_seen_as_it_is(event: Any) -> None:
    assert view(event) is event


@pytest.mark.parametrize("source", ["aws:sqs", "aws:kinesis", "aws:dynamodb"])
def test_a_batch_is_recognised_by_its_source(source: str) -> None:
    assert batch_source({"Records": [{"eventSource": source}, {}]}) == source


@pytest.mark.parametrize(
    "event",
    [
        *SHAPES,
        *NOT_HTTP[:-1],
        {"Records": []},
        {"Records": None},
        {"Records": "aws:sqs"},
        {"Records": {"eventSource": "aws:sqs"}},
        {"Records": ["aws:sqs"]},
        {"Records": [None]},
        {"Records": [{}]},
        {"Records": [{"eventSource": None}]},
        {"Records": [{"eventSource": ["aws:sqs"]}]},
        {"Records": [{"eventSource": "aws:s3"}]},
        {"Records": [{"EventSource": "aws:sns"}]},
    ],
)
def test_another_event_is_not_taken_for_a_batch(event: Any) -> None:
    assert batch_source(event) is None
