"""The recorded form of a response: compressed if that saves space, and restored unchanged."""

from __future__ import annotations

import json
import os
import tracemalloc
import zlib
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_idempotency import (
    DynamoDBStore,
    MemoryStore,
    ResponseUnavailableError,
    idempotent,
    idempotent_function,
)
from lambda_idempotency.protocol.record import NO_BODY, Record, Reply
from lambda_idempotency.protocol.record import Completion as Written
from lambda_idempotency.protocol.steps import Returned
from lambda_idempotency.response import compression as encodings
from lambda_idempotency.response.compression import COMPRESSED_ABOVE, ZLIB, pack, unpack

RESULT: Final = object()
PROSE: Final = json.dumps([{"id": number, "name": "Müller"} for number in range(1000)])


def packed(text: str, *, max_data: int | None = None) -> Returned:
    return pack(Returned(RESULT, text), max_data=max_data)


def completed(data: str | bytes | None, encoding: str | None = None) -> Record:
    return Record("shop#00", "COMPLETED", "o", 1, 1, data=data, encoding=encoding)


def unpacked(data: str | bytes | None, encoding: str | None = None) -> str:
    text = unpack(completed(data, encoding))
    return text if isinstance(text, str) else text.decode()


@settings(deadline=None)
@given(st.text(), st.integers(1, 5000))
def test_a_text_comes_back_as_it_was(text: str, times: int) -> None:
    stored = packed(text.encode(errors="replace").decode() * times)
    assert unpacked(stored.data, stored.encoding) == text.encode(errors="replace").decode() * times


@pytest.mark.parametrize("size", [16 * 1024, 16 * 1024 + 1, 1_000_000])
def test_a_text_of_any_size_comes_back_as_it_was(size: int) -> None:
    stored = packed("ab" * (size // 2))
    assert stored.encoding == ZLIB
    assert unpacked(stored.data, stored.encoding) == "ab" * (size // 2)


def test_a_large_text_is_compressed() -> None:
    stored = packed(PROSE)
    assert isinstance(stored.data, bytes)
    assert len(stored.data) * 4 < len(PROSE)


def test_the_result_stays_the_very_object() -> None:
    assert packed(PROSE).result is RESULT


@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
def test_a_text_of_just_one_unit_is_left_as_it_is(letter: str) -> None:
    text = letter * (COMPRESSED_ABOVE // len(letter.encode()))
    assert packed(text) == Returned(RESULT, text)


@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
def test_a_text_of_a_byte_more_is_compressed(letter: str) -> None:
    assert packed("x" + letter * (COMPRESSED_ABOVE // len(letter.encode()) + 1)).encoding == ZLIB


@pytest.mark.parametrize(("size", "encoding"), [(1800, ZLIB), (1801, None)])
def test_what_saves_less_than_a_tenth_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, size: int, encoding: str | None
) -> None:
    monkeypatch.setattr(encodings, "compressed", lambda _: b"z" * size)
    assert packed("x" * 2000).encoding == encoding


def test_what_has_a_form_already_is_left_as_it_is() -> None:
    for ran in (Returned(RESULT, encoding=NO_BODY), Returned(RESULT, b"x" * 9999, "other")):
        assert pack(ran, max_data=10) == ran


# Limits -------------------------------------------------------------------------------------------


def test_a_text_of_just_the_size_that_fits_is_recorded() -> None:
    assert packed('"aé"', max_data=5).data == '"aé"'


@pytest.mark.parametrize("text", ['"aé"', "é" * 400, "é" * 600])
def test_a_text_that_is_a_byte_too_large_is_recorded_without_a_body(text: str) -> None:
    stored = packed(text, max_data=4)
    assert (stored.result, stored.data, stored.encoding) == (RESULT, None, NO_BODY)


def test_the_limit_is_for_what_is_stored() -> None:
    size = len(packed(PROSE).data or "")
    assert packed(PROSE, max_data=size).encoding == ZLIB
    assert packed(PROSE, max_data=size - 1).encoding == NO_BODY


def test_a_megabyte_of_json_fits_an_item_of_dynamodb() -> None:
    text = json.dumps([{"id": number, "state": "open"} for number in range(40_000)])
    assert len(text) > 1_000_000
    assert packed(text, max_data=DynamoDBStore.max_data).encoding == ZLIB


def test_without_a_limit_nothing_is_too_large() -> None:
    assert packed(os.urandom(1_000_000).decode("latin-1")).data is not None


def test_what_would_be_too_large_to_read_is_not_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "MAX_TEXT", 5000)
    assert packed("x" * 5000).encoding == ZLIB
    assert packed("x" * 5001).encoding is None


# Damage -------------------------------------------------------------------------------------------


def test_a_text_of_the_largest_size_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "MAX_TEXT", 5000)
    stored = packed("x" * 5000)
    assert unpacked(stored.data, stored.encoding) == "x" * 5000


def test_a_record_cannot_blow_up_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "MAX_TEXT", 5000)
    with pytest.raises(ResponseUnavailableError, match="not readable"):
        unpacked(zlib.compress(b"x" * 5001), ZLIB)


def test_the_memory_for_a_record_is_bounded_before_it_is_read() -> None:
    bomb = zlib.compress(bytes(2 * encodings.MAX_TEXT))
    assert len(bomb) < 400 * 1024
    tracemalloc.start()
    try:
        with pytest.raises(ResponseUnavailableError, match="not readable"):
            unpacked(bomb, ZLIB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.1 * encodings.MAX_TEXT  # zlib joins what it has at the end


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        zlib.compress(b"text")[:-1],
        zlib.compress(b"text")[:-4] + b"sums",
        zlib.compress(b"text") + b"more",
        "a text",
    ],
    ids=["empty", "garbage", "cut", "checksum", "more", "text"],
)
def test_damaged_data_is_unavailable(data: str | bytes) -> None:
    with pytest.raises(ResponseUnavailableError, match=r"shop#00 is done.*not readable"):
        unpacked(data, ZLIB)


@pytest.mark.parametrize(
    "record", [completed(None, NO_BODY), completed(None), completed(b"x", "a later version's")]
)
def test_what_was_not_stored_is_unavailable(record: Record) -> None:
    with pytest.raises(ResponseUnavailableError, match="could not be stored"):
        unpack(record)


# Wherever results come from -----------------------------------------------------------------------


class Watched(MemoryStore):
    """A store that remembers what was written, and holds little."""

    max_data: int | None = 2000

    def __init__(self) -> None:
        super().__init__()
        self.written: list[Written] = []

    def complete(self, completion: Written) -> Reply:
        self.written.append(completion)
        return super().complete(completion)


LARGE: Final = {"items": ["Müller"] * 1000}
POST: Final[dict[str, Any]] = {
    "version": "2.0",
    "routeKey": "POST /orders",
    "rawPath": "/orders",
    "rawQueryString": "",
    "headers": {"idempotency-key": "k"},
    "requestContext": {"http": {"method": "POST", "path": "/orders"}, "stage": "$default"},
    "isBase64Encoded": False,
}


def _only(store: Watched) -> Written:
    [completion] = store.written
    return completion


def test_a_handler_s_large_result_is_compressed_and_replayed() -> None:
    store = Watched()
    handler = idempotent(store=store)(lambda event, _: LARGE)
    assert handler({"id": 1}, None) == handler({"id": 1}, None) == LARGE
    assert _only(store).encoding == ZLIB


def test_an_async_handler_s_large_result_is_compressed_and_replayed() -> None:
    store = Watched()

    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> Any:
        return LARGE

    assert handler({"id": 1}, None) == handler({"id": 1}, None) == LARGE
    assert _only(store).encoding == ZLIB


def test_a_large_http_response_is_compressed_and_replayed() -> None:
    store = Watched()
    response = {"statusCode": 201, "body": json.dumps(LARGE)}
    handler = idempotent(store=store)(lambda event, _: response)
    assert handler(POST, None) == response
    assert handler(POST, None)["body"] == response["body"]
    assert _only(store).encoding == ZLIB


def test_a_function_s_large_result_is_compressed_and_restored() -> None:
    store = Watched()

    @idempotent_function(store=store)
    def names(order: int) -> tuple[str, ...]:
        return ("Müller",) * 1000

    assert names(1) == names(1) == ("Müller",) * 1000
    assert _only(store).encoding == ZLIB


def test_a_result_that_is_too_large_even_so_is_told_without_a_word_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Watched()
    secret = os.urandom(3000).hex()
    handler = idempotent(store=store)(lambda event, _: secret)
    assert handler({"id": 1}, None) == secret
    assert _only(store).encoding == NO_BODY
    assert "too large for the store" in caplog.text
    assert secret not in caplog.text
    with pytest.raises(ResponseUnavailableError):
        handler({"id": 1}, None)
