"""Any header holds the key that RFC 8941 means or none, and any HTTP event gets a response."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.operations import operation_of
from kit.planted import plant, refutes
from kit.references import UnreadableError, header_keys
from kit.strategies import ANY_TEXT, edited, thorough, values
from lambda_idempotency import ConfigurationError, HttpOptions
from lambda_idempotency.execution.invocation import Invocation
from lambda_idempotency.execution.runner import SyncRunner
from lambda_idempotency.execution.target import Target
from lambda_idempotency.http.exchange import exchange_of
from lambda_idempotency.http.header import MOST, MalformedKeyError, key_in
from lambda_idempotency.identity.callers import principal_of
from lambda_idempotency.identity.events import http_shape
from lambda_idempotency.identity.keys import KeyRule
from lambda_idempotency.response.serialization import to_stored

# The header ---------------------------------------------------------------------------------------

HEADERS: Final = (
    *('"a\\"b", c', '"a";q=1;b="c\\d", "a"', "a", " \tkey\t ", '"' + "k" * 255 + '"', "k" * 255),
    *('"a"', "a, a", "a b", '"a\\\\b"', "a\\b", '"a b" ; q', "ü", '"a";q="b,c", a'),
)
WORDS: Final = ('"', "\\", ",", ";", "=", " ", "\t", "*", "\x7f", "a", '"a"', ";q=1", '\\"', "\n")


ANY_HEADERS: Final = st.lists(
    edited(st.sampled_from(HEADERS) | ANY_TEXT, WORDS), min_size=1, max_size=2
)


def _expected(headers: list[str]) -> set[str] | None:
    try:
        return header_keys(headers)
    except UnreadableError:
        return None


def _is_key(key: str) -> bool:
    return 1 <= len(key) <= MOST and all(" " <= character <= "~" for character in key)


@thorough
@given(ANY_HEADERS)
def test_the_keys_of_a_header_are_those_of_the_second_reading(headers: list[str]) -> None:
    expected = _expected(headers)
    found, refused = None, ""
    try:
        found = key_in(headers)
    except MalformedKeyError as error:
        refused = str(error)
    assert all(len(value) < 12 or value not in refused for value in headers)
    if refused:
        assert expected is None or len(expected) > 1 or not _is_key(*expected)
    else:
        assert expected == {found}
        assert found is not None
        assert _is_key(found)


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("_ESCAPED", re.compile("(x)(?!)")),
        ("_PRINTABLE", re.compile(".*", re.DOTALL)),
        ("_BARE", re.compile(r"[^, ]*")),
    ],
)
def test_a_defect_of_the_header_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, defect: Any
) -> None:
    plant(monkeypatch, key_in, name, defect)
    assert refutes(test_the_keys_of_a_header_are_those_of_the_second_reading, ANY_HEADERS)


# Events -------------------------------------------------------------------------------------------

FIELDS: Final = (
    *("headers", "multiValueHeaders", "Idempotency-Key", "body", "isBase64Encoded", "version"),
    *("1.0", "2.0", "requestContext", "http", "method", "POST", "GET", "elb", "httpMethod"),
    *("resource", "path", "pathParameters", "routeKey", "rawPath", "rawQueryString", "stage"),
    *("authorizer", "claims", "iss", "sub", "jwt", "lambda", "iam", "userId", "identity"),
    *("clientCert", "subjectDN", "principalId", "domainName", "/idempotency/{id+}", "$default"),
)
SHAPES: Final[tuple[dict[str, Any], ...]] = (
    {"httpMethod": "POST", "resource": "/a/{id}"},
    {"httpMethod": "POST", "resource": "/a/{id}", "version": "1.0"},
    {"version": "2.0", "requestContext": {"http": {"method": "POST"}}},
    {
        "version": "2.0",
        "requestContext": {"http": {"method": "POST"}, "domainName": ".lambda-url."},
    },
    {"httpMethod": "POST", "requestContext": {"elb": {}}},
)
MODES: Final = st.sampled_from(
    (
        HttpOptions(),
        HttpOptions(profile="stripe", cors=("*",)),
        HttpOptions(profile="accepted"),
        HttpOptions(principal_claim="sub", pattern="[a-z]+"),
    )
)
ANY_VALUE: Final = values(FIELDS)


def objects(*names: str) -> st.SearchStrategy[Any]:
    """Return objects with some of these names, or other values in their place."""
    return st.dictionaries(st.sampled_from(names), ANY_VALUE, max_size=3) | ANY_VALUE


WITH_KEY: Final = st.fixed_dictionaries(
    {"Idempotency-Key": st.sampled_from(("k", '"k"', "key-1")) | ANY_VALUE}
)
CONTEXTS: Final = st.fixed_dictionaries(
    {},
    optional={
        "authorizer": st.fixed_dictionaries(
            {},
            optional={
                "claims": objects("iss", "sub"),
                "jwt": st.fixed_dictionaries({"claims": objects("iss", "sub")}),
                "lambda": objects("principalId", "sub"),
                "iam": objects("userId", "cognitoIdentity"),
                "principalId": ANY_VALUE,
            },
        )
        | ANY_VALUE,
        "identity": objects("user", "userArn", "apiKeyId", "clientCert", "cognitoIdentityId"),
        "authentication": st.fixed_dictionaries({"clientCert": objects("subjectDN", "issuerDN")}),
        "http": objects("method", "path"),
        "stage": ANY_VALUE,
    },
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Return an event of one of the shapes; anything may be in it apart from what makes the
    shape.
    """
    shape = draw(st.sampled_from(SHAPES))
    likely = st.fixed_dictionaries(
        {"headers": WITH_KEY | ANY_VALUE, "requestContext": CONTEXTS},
        optional={
            "multiValueHeaders": WITH_KEY | ANY_VALUE,
            "pathParameters": objects("id", "stage"),
            "queryStringParameters": ANY_VALUE,
            "multiValueQueryStringParameters": ANY_VALUE,
        },
    )
    event = draw(st.dictionaries(st.sampled_from(FIELDS), ANY_VALUE, max_size=4))
    for name, value in (*draw(likely).items(), *shape.items()):
        both = isinstance(event.get(name), dict) and isinstance(value, dict)
        event[name] = {**event[name], **value} if both else value
    return event


def serve(options: HttpOptions, *arguments: Any) -> Any:
    """Return the response to a request."""
    return exchange_of(options, *arguments).respond()


@thorough
@given(events(), MODES)
def test_an_event_is_answered_or_the_configuration_is_at_fault(
    event: dict[str, Any], options: HttpOptions
) -> None:
    shape = http_shape(event)
    if shape is None:
        return
    invocation = Invocation(
        operation=operation_of(),
        runner=SyncRunner(),
        target=Target("@idempotent", run=lambda: {"statusCode": 200}, record=to_stored),
    )
    try:
        answer = serve(options, shape, event, KeyRule("shop", "handler"), invocation)
    except ConfigurationError:
        return
    assert isinstance(answer, dict)
    assert isinstance(answer["statusCode"], int)


def test_a_defect_in_what_tells_callers_apart_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, principal_of, "as_mapping", lambda value: value or {})
    assert refutes(test_an_event_is_answered_or_the_configuration_is_at_fault, events(), MODES)
