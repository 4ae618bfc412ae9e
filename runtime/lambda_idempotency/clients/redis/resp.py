"""RESP2, the protocol of Redis: commands as bytes, and replies read from bytes. No I/O.

https://redis.io/docs/latest/develop/reference/protocol-spec/

A `Replies` reads the replies to the commands of one exchange and no others. So nothing that is left
over from one exchange can be taken for the reply of the next: bytes that nobody asked for are an
error, and the connection that brought them ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

Part: TypeAlias = bytes | str | int
"""A part of a command: of one of these types, and not of one derived from them."""

Command: TypeAlias = Sequence[Part]

MAX_BYTES: Final = 64 * 1024 * 1024
"""The most bytes of the replies of one exchange. A record has fewer than Lambda's answers may."""

MAX_VALUES: Final = 1_000_000
"""The most values in them. The slots of a cluster are at most a few per slot."""

MAX_DEPTH: Final = 8
"""The most arrays within one another. CLUSTER SLOTS has four."""

_SIZES: Final = tuple([b"$%d" % size for size in range(128)])
"""The lines before short strings."""

_MAX_LINE: Final = 64 * 1024
_MAX_DIGITS: Final = 20
"""Integers have 64 bits."""


class ReplyError(Exception):
    """The server answered with an error. `status_code` is its first word, such as NOSCRIPT.

    `words` is the whole text. It may quote what the server was sent, so it never becomes part of
    the message.
    """

    __slots__ = ("status_code", "words")

    def __init__(self, words: str) -> None:
        self.words = words
        self.status_code = words.partition(" ")[0]
        super().__init__(self.status_code if self.status_code.isupper() else "ERR")


class ResponseError(Exception):
    """What came is no reply, or one beyond the limits. The connection cannot be used again."""


Reply: TypeAlias = "bytes | int | ReplyError | list[Reply] | None"
"""A reply. Simple strings come as bytes; an error stands where it came."""


def pack(command: Command) -> bytes:
    """Return a command as it is sent."""
    lines = [b"*%d" % len(command)]
    for part in command:
        data = part if type(part) is bytes else str(part).encode()
        size = len(data)
        lines.append(_SIZES[size] if size < 128 else b"$%d" % size)
        lines.append(data)
    lines.append(b"")
    return b"\r\n".join(lines)


def pack_all(commands: Iterable[Command]) -> bytes:
    """Return commands as they are sent together."""
    return b"".join([pack(command) for command in commands])


class Replies:
    """Reads the replies to a number of commands, in whatever pieces their bytes come."""

    __slots__ = ("_needed", "_open", "_received", "_size", "_unread", "values")

    def __init__(self, count: int) -> None:
        self.values: list[Reply] = []
        """The replies so far."""
        # The arrays that are not complete, each with its length; the outermost are the replies.
        self._open: list[tuple[list[Reply], int]] = [(self.values, count)]
        self._unread: list[bytes] = []
        self._received = 0  # bytes
        self._needed = 0  # bytes without which nothing more can be read
        self._size = 0  # values in all arrays, announced or there

    def feed(self, data: bytes) -> bool:
        """Take bytes that have come. Return True once all replies are there.

        Raises `ResponseError`.
        """
        self._received += len(data)
        if self._unread:
            self._unread.append(data)
            if self._received < self._needed:
                return False
            data = b"".join(self._unread)
        rest = self._read(data)
        if self._open:
            self._unread = [rest]
            return False
        if rest:
            raise ResponseError("the server sent more than the replies")
        return True

    def _read(self, data: bytes) -> bytes:
        """Read the complete values in the data, and return what is left of it."""
        start, find, available = 0, data.find, len(data)
        array, length = self._open[-1]
        while True:
            end = find(b"\r\n", start)
            if end < 0:
                if available - start > _MAX_LINE:
                    raise ResponseError("a line has no end")
                return self._wait(data[start:], 1)
            kind, line, start = data[start], data[start + 1 : end], end + 2
            value: Reply
            if kind == _BULK and line.isdigit() and len(line) <= _MAX_DIGITS:
                stop = start + int(line)
                if available < stop + 2:
                    return self._wait(data[end - len(line) - 1 :], stop + 2 - available)
                if data[stop : stop + 2] != b"\r\n":
                    raise ResponseError("a string is longer than it says")
                value, start = data[start:stop], stop + 2
            elif kind == _ARRAY and (size := _whole(line)) > 0:
                array, length = self._begin(size)
                continue
            else:
                value = _short(kind, line)
            array.append(value)
            while len(array) == length:
                value, _ = self._open.pop()
                if not self._open:
                    return data[start:]
                array, length = self._open[-1]
                array.append(value)

    def _begin(self, length: int) -> tuple[list[Reply], int]:
        """Begin an array. Its length is checked before anything of it has come."""
        self._size += length
        if self._size > MAX_VALUES:
            raise ResponseError(f"the replies have more than {MAX_VALUES} values")
        if len(self._open) > MAX_DEPTH:
            raise ResponseError(f"more than {MAX_DEPTH} arrays are within one another")
        self._open.append(([], length))
        return self._open[-1]

    def _wait(self, rest: bytes, more: int) -> bytes:
        """Return the rest, which needs more bytes: until they are there, nothing is joined."""
        self._needed = self._received + more
        if self._needed > MAX_BYTES:
            raise ResponseError(f"the replies have more than {MAX_BYTES} bytes")
        return rest


def strings_of(data: bytes) -> list[Reply] | None:
    """Return the array of strings that the data are, without reading each: what scripts reply with.
    None where they are something else, or not all of it, or a string holds the end of a line: then
    `Replies` tells."""
    lines = data.split(b"\r\n")
    values = lines[2::2]
    sizes = [_SIZES[size] if size < 128 else b"$%d" % size for size in map(len, values)]
    whole = lines[1:-1:2] == sizes and lines[0] == b"*%d" % len(values) and not lines[-1]
    return [*values] if whole else None


_SIMPLE, _ERROR, _INTEGER, _BULK, _ARRAY = b"+-:$*"


def _short(kind: int, line: bytes) -> Reply:
    """Return a value that is a single line."""
    if kind == _INTEGER:
        return _whole(line)
    if kind == _SIMPLE:
        return line
    if kind == _ERROR:
        return ReplyError(line.decode(errors="replace"))
    if kind not in (_BULK, _ARRAY):
        raise ResponseError("the server does not speak RESP2")
    if line == b"-1":
        return None
    if line != b"0":
        raise ResponseError("a length is negative")
    return []


def _whole(line: bytes) -> int:
    """Return the integer in a line. Python's own reading takes spaces and underscores too."""
    digits = line[1:] if line.startswith(b"-") else line
    if digits.isdigit() and len(digits) <= _MAX_DIGITS:
        return int(line)
    raise ResponseError("a number is not one")
