"""RESP2: what is packed can be read, however it is split, and what is no reply is refused."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.strategies import thorough
from lambda_idempotency.clients.redis import resp
from lambda_idempotency.clients.redis.resp import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_VALUES,
    Replies,
    Reply,
    ReplyError,
    ResponseError,
    pack,
    pack_all,
    strings_of,
)

# The protocol's other side, written from its specification ----------------------------------------


def _encoded(value: Any) -> bytes:
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, ReplyError):
        return b"-%b\r\n" % value.words.encode()
    if isinstance(value, bytes):
        return b"$%d\r\n%b\r\n" % (len(value), value)
    return b"*%d\r\n%b" % (len(value), b"".join(map(_encoded, value)))


def _plain(value: Any) -> Any:
    """Return a reply as something that can be compared."""
    if isinstance(value, ReplyError):
        return ("error", value.words)
    return [_plain(each) for each in value] if isinstance(value, list) else value


LINES: Final = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))
VALUES: Final = st.recursive(
    st.one_of(
        st.none(),
        st.integers(-(2**63), 2**63 - 1),
        st.binary(max_size=40),
        LINES.map(ReplyError),
    ),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
).filter(lambda value: _depth(value) <= MAX_DEPTH)


def _depth(value: Any) -> int:
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _read(pieces: list[bytes], count: int) -> list[Reply]:
    """Feed the pieces, of which none but the last completes the replies."""
    replies = Replies(count)
    assert [replies.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    return replies.values


# Reading ------------------------------------------------------------------------------------------


@thorough
@given(values=st.lists(VALUES, min_size=1, max_size=4), data=st.data())
def test_any_split_of_the_bytes_gives_the_same_values(
    values: list[Any], data: st.DataObject
) -> None:
    whole = b"".join(map(_encoded, values))
    cuts = data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=8))
    ends = [0, *sorted(cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(ends)]
    for split in (pieces, [whole], [whole[n : n + 1] for n in range(len(whole))]):
        assert _plain(_read(split, len(values))) == _plain(values)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"+OK", b"OK"),
        (b"+", b""),
        (b":-7", -7),
        (b"*-1", None),
        (b"$-1", None),
        (b"*0", []),
    ],
)
def test_a_value_of_one_line_is_read(line: bytes, value: Reply) -> None:
    assert _read([line + b"\r\n"], 1) == [value]


def test_a_string_may_hold_what_ends_a_line() -> None:
    assert _read([b"$6\r\n\r\n+a\r\n\r\n"], 1) == [b"\r\n+a\r\n"]


STRINGS: Final = st.lists(st.binary(max_size=300) | st.sampled_from([b"", b"\r\n", b"\r\n$1\r\na"]))


@thorough
@given(strings=STRINGS)
def test_an_array_of_strings_is_the_same_whether_it_comes_at_once_or_not(
    strings: list[bytes],
) -> None:
    found = strings_of(_encoded(strings))
    assert found == strings or (found is None and any(b"\r\n" in each for each in strings))


@thorough
@given(values=st.lists(VALUES, min_size=1, max_size=2), end=st.none() | st.integers(0, 40))
def test_an_array_of_strings_is_what_it_is_where_each_value_is_read(
    values: list[Any], end: int | None
) -> None:
    sent = b"".join(map(_encoded, values))[:end]
    replies = Replies(1)
    if (found := strings_of(sent)) is not None:
        assert replies.feed(sent)
        assert replies.values == [found]


@pytest.mark.parametrize(
    "sent",
    [
        *(
            b"*1\r\n$2\r\na\r\n",
            b"*2\r\n$1\r\na\r\n",
            b"*1\r\n$1\r\na",
            b"*1\r\n$1\r\na\r\n+OK\r\n",
        ),
        *(b"$1\r\na\r\n", b"-ERR no\r\n", b"*1\r\n:1\r\n", b"*-1\r\n", b"\r\n", b""),
    ],
)
def test_what_is_no_whole_array_of_strings_is_left_to_be_read(sent: bytes) -> None:
    assert strings_of(sent) is None


def test_a_large_string_is_joined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    read = Replies._read

    def counted(self: Replies, data: bytes) -> bytes:
        reads.append(len(data))
        return read(self, data)

    monkeypatch.setattr(Replies, "_read", counted)
    text = bytes(range(256)) * 4096
    encoded = _encoded(text)
    pieces = [encoded[n : n + 1000] for n in range(0, len(encoded), 1000)]
    assert _read(pieces, 1) == [text]
    assert len(reads) == 2  # when its length was there, and when it was


def test_an_error_is_a_value_like_others() -> None:
    [first, second] = _read([b"-NOSCRIPT No matching script.\r\n:1\r\n"], 2)
    assert isinstance(first, ReplyError)
    assert (first.status_code, first.words) == ("NOSCRIPT", "NOSCRIPT No matching script.")
    assert second == 1


def test_an_error_does_not_say_what_the_server_says() -> None:
    """A server may quote what it was sent."""
    error = ReplyError("ERR unknown command, with args beginning with: 'hunter2'")
    assert "hunter2" not in f"{error} {error!r} {error.args} {vars(error)}"
    assert str(ReplyError("hunter2 is wrong")) == "ERR"


# What is refused ----------------------------------------------------------------------------------

NO_REPLIES: Final = [
    b"HTTP/1.1 400 Bad Request\r\n",
    b">2\r\n+message\r\n+text\r\n",
    b"%1\r\n+a\r\n+b\r\n",
    b"\r\n",
    b":\r\n",
    b":1_0\r\n",
    b": 1\r\n",
    b":+1\r\n",
    b":" + b"9" * 21 + b"\r\n",
    b"$x\r\n",
    b"$-2\r\n",
    b"*-2\r\n",
    b"$2\r\nabcd\r\n",
    b"$2\r\nab\n\n",
]


@pytest.mark.parametrize("sent", NO_REPLIES)
def test_what_is_no_reply_is_refused(sent: bytes) -> None:
    with pytest.raises(ResponseError):
        Replies(1).feed(sent)


def test_a_reply_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(ResponseError, match="more than the replies"):
        Replies(1).feed(b"+OK\r\n+OK\r\n")


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"$%d\r\n" % MAX_BYTES, "bytes"),
        (b"$1000000000\r\n", "bytes"),
        (b"*%d\r\n" % (MAX_VALUES + 1), "values"),
        (b"*1\r\n" * (MAX_DEPTH + 1), "arrays are within one another"),
        (b"+" + b"x" * 70_000, "a line has no end"),
    ],
)
def test_what_is_announced_beyond_a_limit_is_refused_before_it_comes(
    sent: bytes, words: str
) -> None:
    with pytest.raises(ResponseError, match=words):
        Replies(1).feed(sent)


def test_many_replies_within_the_limits_are_refused_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resp, "MAX_BYTES", 100)
    monkeypatch.setattr(resp, "MAX_VALUES", 10)
    with pytest.raises(ResponseError, match="bytes"):
        _read([_encoded(b"x" * 50)] * 3, 3)
    with pytest.raises(ResponseError, match="values"):
        _read([_encoded([1, 2, 3, 4])] * 3, 3)


@thorough
@given(sent=st.one_of(st.binary(), st.lists(st.sampled_from(NO_REPLIES)).map(b"".join)))
def test_whatever_comes_is_read_or_refused(sent: bytes) -> None:
    replies = Replies(2)
    try:
        complete = replies.feed(sent)
    except ResponseError:
        return
    assert complete == (len(replies.values) == 2)


# Packing ------------------------------------------------------------------------------------------


@given(parts=st.lists(st.one_of(st.binary(), st.integers(), LINES), min_size=1))
def test_a_command_is_an_array_of_strings(parts: list[bytes | int | str]) -> None:
    [read] = _read([pack(parts)], 1)
    assert read == [part if isinstance(part, bytes) else str(part).encode() for part in parts]


def test_commands_that_are_sent_together_follow_one_another() -> None:
    assert pack_all([("ASKING",), ("HGETALL", "a")]) == pack(("ASKING",)) + pack(("HGETALL", "a"))
