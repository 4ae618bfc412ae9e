"""A compressed answer, and clients that accept no compression."""

from __future__ import annotations

import base64
import gzip
import zlib
from typing import Any, Final

import pytest

from kit.http_events import KEY, SHAPES, Http, seen
from lambda_idempotency import MemoryStore, idempotent
from lambda_idempotency.http import codings

TEXT: Final = '{"charged": 5}'


def _compressed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content)).decode()


def _response(shape: str, content: bytes = TEXT.encode(), **headers: str) -> dict[str, Any]:
    fields = {"Content-Encoding": "gzip", "Content-Length": "99", "X-Order": "7", **headers}
    several = {name: [value] for name, value in fields.items()}
    form = {"multiValueHeaders": several} if shape == "alb-multi" else {"headers": fields}
    return {"statusCode": 201, **form, "body": _compressed(content), "isBase64Encoded": True}


def _request(accepted: str | None) -> Http:
    headers = [("Idempotency-Key", KEY)]
    if accepted is not None:
        headers.append(("Accept-Encoding", accepted))
    return Http(headers=tuple(headers))


def _again(shape: str, response: Any, accepted: str | None) -> Any:
    """Return the answer to a duplicate; the first client has accepted gzip."""
    handler = idempotent(store=MemoryStore())(lambda event, context: response)
    assert handler(SHAPES[shape](_request("gzip")), None) is response
    return handler(SHAPES[shape](_request(accepted)), None)


each = pytest.mark.parametrize("shape", SHAPES)


@each
@pytest.mark.parametrize("accepted", [None, "", "identity", "br", "gzip;q=0", "*;q=0"])
def test_a_client_that_accepts_no_gzip_gets_none(shape: str, accepted: str | None) -> None:
    again = _again(shape, _response(shape), accepted)
    told = seen(shape, again)
    assert (told.status, told.body, again["isBase64Encoded"]) == (201, TEXT, False)
    assert not {"content-encoding", "content-length"} & told.headers.keys()
    assert told.headers["x-order"] == "7"
    assert told.headers["vary"] == "Accept-Encoding"
    assert told.headers["idempotency-replayed"] == "true"


@each
@pytest.mark.parametrize("accepted", ["gzip", "GZIP, br", "br;q=1, gzip;q=0.1", "*", "x-gzip"])
def test_a_client_that_accepts_gzip_gets_the_bytes_of_the_first(shape: str, accepted: str) -> None:
    response = _response(shape)
    again = _again(shape, response, accepted)
    assert (again["body"], again["isBase64Encoded"]) == (response["body"], True)
    assert seen(shape, again).headers["content-encoding"] == "gzip"
    assert seen(shape, again).headers["vary"] == "Accept-Encoding"


def test_a_body_that_is_no_text_stays_in_base64() -> None:
    again = _again("rest", _response("rest", b"\x89PNG\xff"), None)
    assert (base64.b64decode(again["body"]), again["isBase64Encoded"]) == (b"\x89PNG\xff", True)


@pytest.mark.parametrize(
    ("present", "told"),
    [
        ("Origin", "Origin, Accept-Encoding"),
        ("accept-encoding", "accept-encoding"),
        ("Origin, Accept-Encoding", "Origin, Accept-Encoding"),
        ("*", "*"),
    ],
)
def test_vary_names_it_once(present: str, told: str) -> None:
    again = _again("rest", _response("rest", Vary=present), None)
    assert seen("rest", again).headers["vary"] == told


def _unchanged(**changes: Any) -> Any:
    return {**_response("rest"), **changes}


@pytest.mark.parametrize(
    "response",
    [
        _unchanged(headers={"Content-Encoding": "br"}),
        _unchanged(headers={"Content-Encoding": "gzip, gzip"}),
        _unchanged(headers={}),
        _unchanged(isBase64Encoded=False),
        _unchanged(body="no base64"),
        _unchanged(body=base64.b64encode(b"no gzip").decode()),
        _unchanged(body=base64.b64encode(gzip.compress(b"x")[:-1]).decode()),
        _unchanged(body=base64.b64encode(zlib.compress(b"x")).decode()),
        _unchanged(body=base64.b64encode(gzip.compress(b"x") + b"more").decode()),
        _unchanged(body=_compressed(bytes(codings._MOST + 1))),
        _unchanged(body=None),
    ],
    ids=[
        *("br", "twice", "no coding", "no base64", "bad base64", "no gzip", "cut", "zlib"),
        *("more after it", "too large", "no body"),
    ],
)
def test_what_cannot_be_decoded_is_replayed_as_it_is(response: Any) -> None:
    again = _again("rest", response, None)
    assert again["body"] == response["body"]
    coding = response["headers"].get("Content-Encoding")
    assert again["headers"].get("Content-Encoding") == coding


def test_a_body_of_two_members_is_decoded() -> None:
    body = base64.b64encode(gzip.compress(b"one ") + gzip.compress(b"two")).decode()
    assert _again("rest", _unchanged(body=body), None)["body"] == "one two"


def test_the_largest_body_that_lambda_can_send_is_decoded() -> None:
    again = _again("rest", _response("rest", bytes(codings._MOST)), None)
    assert len(again["body"]) == codings._MOST


@pytest.mark.parametrize(
    ("accepted", "accepts"),
    [
        ([], False),
        (["gzip"], True),
        (["br", "gzip"], True),
        (["gzip;q=0, *"], False),
        (["identity;q=1, *;q=0"], False),
        (["gzip; q=0.5"], True),
        (["gzip;q=x"], False),
        (["gzipped"], False),
        (["gzip;level=1"], True),
    ],
    ids=repr,
)
def test_accept_encoding(accepted: list[str], accepts: bool) -> None:  # noqa: FBT001
    assert codings.accepts_gzip(accepted) is accepts
