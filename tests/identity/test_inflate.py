"""Compressed data are inflated within bounds, or refused."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from lambda_idempotency.identity.inflate import (
    DEFLATE,
    GZIP,
    GZIP_OR_ZLIB,
    MOST_MEMBERS,
    InflateError,
    inflate,
    pieces,
)

ONE = gzip.compress(b"one", mtime=0)  # the time would be in the names of the tests


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (ONE, GZIP),
        (ONE, GZIP_OR_ZLIB),
        (zlib.compress(b"one"), GZIP_OR_ZLIB),
        (zlib.compress(b"one", wbits=-15), DEFLATE),
        (b"".join(gzip.compress(part, mtime=0) for part in (b"o", b"", b"ne")), GZIP),
    ],
)
def test_what_is_in_the_data_is_found(data: bytes, form: int) -> None:
    assert inflate(data, form, 3) == b"one"
    assert inflate(data, form, 2) is None


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"", GZIP),
        (b"one", GZIP_OR_ZLIB),
        (ONE[:-1], GZIP),
        (ONE + b"more", GZIP),
        (ONE + ONE[:-1], GZIP),
        (zlib.compress(b"one"), GZIP),
        (ONE, DEFLATE),
    ],
)
def test_what_is_not_of_the_form_is_refused(data: bytes, form: int) -> None:
    with pytest.raises(InflateError):
        inflate(data, form, 100)


@pytest.mark.parametrize("level", [0, 9])
def test_much_is_inflated_piece_by_piece(level: int) -> None:
    sizes = [len(piece) for piece in pieces(gzip.compress(bytes(10_000_000), level), GZIP)]
    assert max(sizes) <= 64 * 1024
    assert sum(sizes) == 10_000_000


def test_no_more_members_are_inflated_than_is_bearable() -> None:
    members = gzip.compress(b"a") * MOST_MEMBERS
    assert inflate(members, GZIP, 100) == b"a" * MOST_MEMBERS
    with pytest.raises(InflateError):
        inflate(members + gzip.compress(b"a"), GZIP, 100)


def test_a_bomb_takes_no_more_memory_than_was_asked_for() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    tracemalloc.start()
    try:
        assert inflate(bomb, GZIP, 100_000) is None
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
