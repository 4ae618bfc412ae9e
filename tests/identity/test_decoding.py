"""JSON within JSON: the functions that decode texts, and what they refuse."""

from __future__ import annotations

import base64
import gzip
import json
import traceback
from typing import Any, Final

import pytest
from hypothesis import given

from kit.references import meaning
from kit.strategies import values
from lambda_idempotency import MissingKeyError
from lambda_idempotency.identity.events import view
from lambda_idempotency.identity.keys import KeyAbsentError, Selector
from lambda_idempotency.identity.texts import MAX_DECODED_MIB

SECRET: Final = "secret-4711"


def in_base64(data: str | bytes) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)  # the ids of tests must be the same in every worker


def in_gzip(*members: bytes) -> str:
    return in_base64(b"".join(map(zipped, members)))


def select(expression: str, event: Any) -> Any:
    return Selector("key", expression).select(event)


@pytest.mark.parametrize("prefix", ["", "powertools_"])
@pytest.mark.parametrize(
    ("expression", "event"),
    [
        ("{}json(body.Message).id", {"body": {"Message": '{"id": 7}'}}),
        (
            "Records[*].{}json(Sns.Message).id | [0]",
            {"Records": [{"Sns": {"Message": '{"id":7}'}}]},
        ),
        ("{}json({}base64(data)).id", {"data": in_base64('{"id": 7}')}),
        (
            "{}json({}base64_gzip(awslogs.data)).id",
            {"awslogs": {"data": in_gzip(b'{"id"', b": 7}")}},
        ),
        ("{}json(@).id", {"id": 7}),
        ("{}json({}base64(body)).id", {"body": {"id": 7}}),
    ],
)
def test_a_text_is_decoded_and_what_is_decoded_already_stays(
    prefix: str, expression: str, event: Any
) -> None:
    assert select(expression.replace("{}", prefix), event) == 7


def test_an_expression_of_powertools_finds_the_same_in_a_request() -> None:
    request = {"httpMethod": "POST", "resource": "/", "body": '{"id": 7}'}
    assert select("powertools_json(body).id", view(request)) == 7
    encoded = {**request, "body": in_base64('{"id": 7}'), "isBase64Encoded": True}
    assert select("powertools_json(powertools_base64(body)).id", view(encoded)) == 7


@given(values(("id", "a")))
def test_a_json_text_means_what_it_says(value: Any) -> None:
    text = json.dumps({"it": value}, default=str)
    found = Selector("key", "[json(@)]").select(text)
    assert meaning(found) == meaning([json.loads(text)])


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("json(t)", SECRET),
        ("json(t)", ""),
        ("json(t)", "{"),
        ("base64(t)", SECRET),
        ("base64(t)", "YQ"),
        ("base64(t)", in_base64(b"\xff" + SECRET.encode())),
        ("base64_gzip(t)", SECRET),
        ("base64_gzip(t)", in_base64(SECRET)),
        ("base64_gzip(t)", in_base64(zipped(SECRET.encode())[:-9])),
        ("base64_gzip(t)", in_base64(zipped(SECRET.encode()) + b"more")),
        ("base64_gzip(t)", in_gzip(b"\xff")),
        ("base64_gzip(t)", ""),
        ("json(missing)", "{}"),
        ("base64(missing)", "{}"),
        ("base64_gzip(missing)", "{}"),
    ],
)
def test_a_text_that_cannot_be_decoded_is_a_missing_key_that_quotes_nothing(
    expression: str, text: str
) -> None:
    with pytest.raises(KeyAbsentError) as refused:
        select(expression, {"t": text})
    assert SECRET not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("expression", "text", "why"),
    [
        ("json(t).id", '{"id": 1, "id": 2}', "same name twice"),
        ("json(t)", "NaN", "NaN"),
        ("json(t)", "[" * 100_000, "nested too deeply"),
        ("base64_gzip(t)", in_gzip(b"0" * (MAX_DECODED_MIB * 1024 * 1024 + 1)), "16 MiB"),
        ("base64_gzip(t)", in_gzip(*[b"0" * 1024 * 1024 * MAX_DECODED_MIB, b"0"]), "16 MiB"),
    ],
    ids=["twice", "nan", "deep", "bomb", "bombs"],
)
def test_a_text_that_says_two_things_or_too_much_is_unusable_and_not_missing(
    expression: str, text: str, why: str
) -> None:
    with pytest.raises(MissingKeyError, match=f"unusable: .*{why}") as refused:
        select(expression, {"t": text})
    assert not isinstance(refused.value, KeyAbsentError)


def test_as_much_as_the_limit_is_decompressed() -> None:
    text = "0" * (MAX_DECODED_MIB * 1024 * 1024)
    assert select("length(base64_gzip(t))", {"t": in_gzip(text.encode())}) == len(text)
