"""Payloads that mean the same have one fingerprint, and others have others."""

from __future__ import annotations

import base64
import gzip
import tracemalloc
import zlib
from functools import partial
from typing import Any, Final

import pytest

from kit.http_events import SHAPES, Http
from kit.payloads import (
    FORM,
    JSON,
    NOTE,
    OCTETS,
    PHOTO,
    PLAIN,
    Part,
    meaning,
    multipart,
    part,
    payload,
)
from lambda_idempotency import MemoryStore, idempotent
from lambda_idempotency.http import bodies, shapes
from lambda_idempotency.identity import inflate
from lambda_idempotency.identity.canonical import canonical

# What is one body, and what is not ----------------------------------------------------------------

DIFFERENT: Final[list[tuple[str | bytes | None, str | None]]] = [
    (None, JSON),
    ("null", JSON),
    ('"null"', JSON),
    ("null", PLAIN),
    ('""', JSON),
    ('"abc"', JSON),
    ("abc", PLAIN),
    ('"abc"', PLAIN),
    (b"abc\xff", OCTETS),
    (base64.b64encode(b"abc\xff").decode(), PLAIN),
    (base64.b64encode(b"abc").decode(), PLAIN),
    ("1", JSON),
    ("1", PLAIN),
    ("1.0", PLAIN),
    ("NaN", PLAIN),
    ("nan", PLAIN),
    ("a=1", FORM),
    ("a=1", PLAIN),
    ("{}", JSON),
    ("[]", JSON),
    ("{}", PLAIN),
    (gzip.compress(b"abc"), "application/gzip"),
    (gzip.compress(b"abcd"), "application/gzip"),
]


def test_each_kind_of_body_is_another_payload() -> None:
    assert len({payload(body, kind) for body, kind in DIFFERENT}) == len(DIFFERENT)


SAME: Final[list[tuple[tuple[Any, ...], tuple[Any, ...]]]] = [
    ((None,), ("",)),
    ((None, JSON), (None, PLAIN)),
    (('{"a":1,"b":2}', JSON), (' {"b": 2.0, "a": 1e0}', "application/json; charset=utf-8")),
    (('{"a":1}', JSON), (b'{"a": 1}', "APPLICATION/JSON")),
    (('{"a":1}', "application/problem+json"), ('{ "a":1}', "application/problem+json")),
    (('{"a":1}',), ('{ "a":1}',)),
    (('{"a":1}', FORM), ('{ "a":1}', FORM)),
    (("abc", PLAIN), (b"abc", PLAIN)),
    (("abc",), ("abc", "text/plain; charset=utf-8")),
    (('{"a":1}', JSON), (gzip.compress(b'{ "a":1}', mtime=1), JSON, "gzip")),
    (
        (gzip.compress(b'{"a":1}', mtime=1), JSON, "gzip"),
        (gzip.compress(b'{"a": 1.0}', 1, mtime=2), JSON, "GZIP "),
    ),
    ((gzip.compress(b"abc", mtime=1), OCTETS), (gzip.compress(b"abc", 1, mtime=2), OCTETS)),
    ((gzip.compress(b"a\xff", mtime=1), OCTETS, "x-gzip"), (b"a\xff", OCTETS)),
    ((zlib.compress(b'{"a":1}'), JSON, "deflate"), ('{"a":1}', JSON)),
    ((zlib.compress(b'{"a":1}', wbits=-15), JSON, "deflate"), ('{"a":1}', JSON)),
    ((gzip.compress(b'{"a"') + gzip.compress(b":1}"), JSON, "gzip"), ('{"a":1}', JSON)),
    (("a=1&b=2&a=3", FORM), ("b=2&a=1&a=3", FORM)),
    (("a=%41+b&c", FORM), (b"c=&a=A%20b", FORM)),
    (("a=ü", FORM), ("a=%C3%BC", FORM)),
]


@pytest.mark.parametrize(("one", "other"), SAME)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_body_that_is_written_otherwise_is_the_same_payload(
    one: tuple[Any, ...], other: tuple[Any, ...], shape: str
) -> None:
    assert partial(payload, shape=shape)(*one) == partial(payload, shape=shape)(*other)


OTHERS: Final[list[tuple[tuple[Any, ...], tuple[Any, ...]]]] = [
    (("a=1&a=2", FORM), ("a=2&a=1", FORM)),
    (("a=1&b=2", FORM), ("a=2&b=1", FORM)),
    (("a=1", FORM), ("a=1&b=", FORM)),
    (("a=b%3D1", FORM), ("a=b&1", FORM)),
    (("a=1%26b=2", FORM), ("a=1&b=2", FORM)),
    (('{"a": "x+y"}', FORM), ('{"a": "x y"}', FORM)),
    (("a=\ud800", FORM), ("a=\ud801", FORM)),
    ((b"a=\xff", FORM), (b"a=\xfe", FORM)),
    ((gzip.compress(b"a"), OCTETS, "gzip"), (gzip.compress(b"b"), OCTETS, "gzip")),
    ((b"\x1f\x8b\x08broken", OCTETS), (b"\x1f\x8b\x08Broken", OCTETS)),
    ((gzip.compress(b"abc")[:-4], OCTETS, "gzip"), (b"abc", OCTETS)),
    ((b"\x89a", OCTETS, "br"), (b"\x89b", OCTETS, "br")),
    (("not base64!", JSON), ("not base64?", JSON)),
]


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_another_body_is_another_payload(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert payload(*one) != payload(*other)


QUERIES: Final = [
    "",
    "a=",
    "a=1",
    "a=2",
    "a=1&a=2",
    "a=2&a=1",
    "a=1&b=2",
    "a=1%26b=2",
    "a=%FF",
    "a=%FE",
    "a=%2B",
    "a=%20",
    "b=1",
    "%61b=1",
]


def _query(text: str) -> bytes:
    event = {"rawQueryString": text, "requestContext": {"http": {"method": "POST"}}}
    return canonical(shapes.Format2(event).query)


def test_each_query_is_another_payload() -> None:
    assert len({_query(text) for text in QUERIES}) == len(QUERIES)


@pytest.mark.parametrize(
    ("one", "other"), [("a=1&b=2", "b=2&a=1"), ("a=1", "%61=%31"), ("a", "a="), ("", "&")]
)
def test_a_query_that_is_written_otherwise_is_the_same_payload(one: str, other: str) -> None:
    assert _query(one) == _query(other)


@pytest.mark.parametrize("caller", [None, "alice"])
@pytest.mark.parametrize("query", [(), (("a", ""),), (("a", "1"), ("b", "2"), ("a", "3"))])
def test_a_request_is_one_in_both_payload_formats(
    store: MemoryStore, caller: str | None, query: tuple[tuple[str, str], ...]
) -> None:
    handler = idempotent(store=store)(lambda event, context: {"statusCode": 201})
    sent = Http(caller=caller, query=query)
    answers = [handler(SHAPES[shape](sent)) for shape in ("http-1.0", "http-2.0")]
    assert [answer["statusCode"] for answer in answers] == [201, 201]
    assert len(store.records()) == 1


def test_a_text_that_only_claims_to_be_base64_is_a_text() -> None:
    event = {**SHAPES["rest"](Http(body="not base64!")), "isBase64Encoded": True}
    assert meaning(event)[:2] == (b"text", b"not base64!")


def test_a_body_that_a_decorator_has_parsed_is_the_json_that_it_was() -> None:
    event = SHAPES["rest"](Http(body='{"a": 1}', headers=()))
    parsed = {**event, "body": {"a": 1.0}}
    assert meaning(event) == meaning(parsed)


# Multipart ----------------------------------------------------------------------------------------


def test_another_boundary_is_the_same_payload() -> None:
    one, other = multipart(PHOTO, NOTE), multipart(PHOTO, NOTE, boundary="----X7", quoted=True)
    assert payload(*one) == payload(*other) != payload(one[0], OCTETS)


def test_parts_of_a_form_in_another_order_are_the_same_payload() -> None:
    first = part("note", b"first")
    assert payload(*multipart(PHOTO, first, NOTE)) == payload(*multipart(first, NOTE, PHOTO))


def test_a_header_of_a_part_may_be_written_otherwise() -> None:
    one = (("Content-Disposition", 'form-data; name="a"'), ("Content-Type", "a/b")), b"x"
    other = (("content-type", " a/b "), ("CONTENT-DISPOSITION", 'form-data; name="a"')), b"x"
    assert payload(*multipart(one)) == payload(*multipart(other))


OTHER_PARTS: Final[list[tuple[Part, ...]]] = [
    (PHOTO,),
    (PHOTO, part("note", b"Hello")),
    (PHOTO, part("other", b"hello")),
    (PHOTO, part("note", b"hello", file="a.txt")),
    (PHOTO, NOTE, NOTE),
    (PHOTO, NOTE, part("note", b"")),
    (PHOTO, ((), b"hello")),
    (part("photo", bytes(range(255)), file="me.png"), NOTE),
    (),
]


@pytest.mark.parametrize("parts", OTHER_PARTS)
def test_other_parts_are_another_payload(parts: tuple[Part, ...]) -> None:
    assert payload(*multipart(*parts)) != payload(*multipart(PHOTO, NOTE))


def test_the_order_of_parts_of_one_name_counts() -> None:
    two = NOTE, part("note", b"two")
    assert payload(*multipart(*two)) != payload(*multipart(*reversed(two)))


def test_the_order_of_parts_counts_where_they_are_no_fields() -> None:
    one, other = (
        multipart(*parts, kind="multipart/mixed") for parts in ((PHOTO, NOTE), (NOTE, PHOTO))
    )
    assert payload(*one) != payload(*other)


BODY, KIND = multipart(PHOTO, NOTE)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\r\n" + BODY, KIND),
        (b"preamble\r\n" + BODY, KIND),
        (BODY + b"\r\nepilogue\r\n--b\r\n", KIND),
        (BODY.removesuffix(b"\r\n"), KIND),
        (BODY, "multipart/form-data; boundary= b"),
    ],
)
def test_what_stands_around_the_parts_is_no_payload(body: bytes, kind: str) -> None:
    assert payload(body, kind) == payload(BODY, KIND)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (BODY, "multipart/form-data"),
        (BODY, "multipart/form-data; boundary="),
        (BODY, "multipart/form-data; boundary=other"),
        (BODY.replace(b"--b--", b"--b-x"), KIND),
        (BODY[:-8], KIND),
        (b"\xff" + b"x" * 9, KIND),
        (BODY.replace(b"\r\n", b"\n"), KIND),
        (BODY.replace(b"--b\r\n", b"--bb\r\n", 1), KIND),
        (BODY.replace(b"Content-Disposition", b" folded"), KIND),
        (BODY.replace(b"Content-Disposition:", b"nothing"), KIND),
        (multipart(((("X-A", "1"),) * (bodies.MOST_HEADERS + 1), b"\xff"))[0], KIND),
    ],
)
def test_what_is_not_multipart_counts_as_it_is(body: bytes, kind: str) -> None:
    one, other = payload(body, kind), payload(body + b"\xff", OCTETS)
    assert one[0] in {b"bytes", b"text"}
    assert one != other


def test_a_multipart_body_may_be_a_text() -> None:
    body, kind = multipart(NOTE)
    assert payload(body.decode(), kind) == payload(body, kind)


# Hostile bodies -----------------------------------------------------------------------------------


def test_no_more_is_inflated_than_is_bearable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_INFLATED", 1_000_000)
    bombs = [gzip.compress(bytes(1_000_001), mtime=time) for time in (1, 2)]
    one, other = (payload(bomb, JSON, "gzip") for bomb in bombs)
    assert one != other  # as they were sent
    within = [gzip.compress(bytes(1_000_000), mtime=time) for time in (1, 2)]
    assert payload(within[0], OCTETS, "gzip") == payload(within[1], OCTETS, "gzip")


def test_a_bomb_is_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_CONTENT", 100_000)
    bomb = gzip.compress(bytes(10_000_000))
    tracemalloc.start()
    try:
        assert bodies.inflated(bomb) is not None
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_what_is_too_large_to_be_read_is_only_hashed() -> None:
    bomb = gzip.compress(bytes(bodies.MOST_CONTENT + 1))
    found = bodies.inflated(bomb)
    assert found is not None
    assert found.content is None
    within = bodies.inflated(gzip.compress(bytes(bodies.MOST_CONTENT)))
    assert within is not None
    assert within.content == bytes(bodies.MOST_CONTENT)


def test_a_body_of_too_many_members_counts_as_it_is() -> None:
    members = gzip.compress(b"a") * (inflate.MOST_MEMBERS + 1)
    assert payload(members, OCTETS, "gzip")[0] == b"bytes"


def test_a_form_of_millions_of_fields_counts_as_it_is() -> None:
    many = "a&" * bodies.MOST_PARTS
    assert payload(many, FORM) == payload(many, PLAIN)
    assert payload("a&" * (bodies.MOST_PARTS - 1), FORM)[0] == b"form"


def test_a_multipart_body_of_millions_of_parts_counts_as_it_is() -> None:
    body = b"--b\r\n\r\n\xff\r\n" * (bodies.MOST_PARTS + 1) + b"--b--"
    assert payload(body, KIND) == payload(body, OCTETS)
    within = b"--b\r\n\r\n\xff\r\n" * bodies.MOST_PARTS + b"--b--"
    assert payload(within, KIND)[0] == b"form-data"
