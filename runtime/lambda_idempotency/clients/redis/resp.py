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
"""A part of a command."""

Command: TypeAlias = Sequence[Part]

MAX_BYTES: Final = 64 * 1024 * 1024
"""The most bytes of the replies of one exchange. A record has fewer than Lambda's answers may."""

MAX_VALUES: Final = 1_000_000
"""The most values in them. The slots of a cluster are at most a few per slot."""

MAX_DEPTH: Final = 8
"""The most arrays within one another. CLUSTER SLOTS has four."""

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
    parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
    strings = [b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]
    return b"*%d\r\n%b" % (len(parts), b"".join(strings))


def pack_all(commands: Iterable[Command]) -> bytes:
    """Return commands as they are sent together."""
    return b"".join([pack(command) for command in commands])


class Replies:
    """Reads the replies to a number of commands, in whatever pieces their bytes come."""

    __slots__ = ("_count", "_needed", "_open", "_received", "_size", "_unread", "values")

    def __init__(self, count: int) -> None:
        self.values: list[Reply] = []
        """The replies so far."""
        self._count = count
        self._open: list[tuple[list[Reply], int]] = []  # incomplete arrays, the outermost first
        self._unread: list[bytes] = []
        self._received = 0  # bytes
        self._needed = 0  # bytes without which nothing more can be read
        self._size = 0  # values, at any depth

    def feed(self, data: bytes) -> bool:
        """Take bytes that have come. Return True once all replies are there.

        Raises `ResponseError`.
        """
        self._received += len(data)
        _demand(self._received <= MAX_BYTES, _TOO_LONG)
        if self._unread:
            self._unread.append(data)
            if self._received < self._needed:
                return False
            data = b"".join(self._unread)
        rest = self._read(data)
        if len(self.values) < self._count:
            self._unread = [rest]
            return False
        _demand(not rest, "the server sent more than the replies")
        return True

    def _read(self, data: bytes) -> bytes:
        """Read the complete values in the data, and return what is left of it."""
        start = 0
        while len(self.values) < self._count:
            end = data.find(b"\r\n", start)
            if end < 0:
                _demand(len(data) - start <= _MAX_LINE, "a line has no end")
                self._needed = self._received + 1
                break
            kind, line, after = data[start], data[start + 1 : end], end + 2
            if kind == _BULK and (length := _whole(line)) >= 0:
                end = after + length
                if len(data) < end + 2:
                    self._needed = self._received + end + 2 - len(data)
                    _demand(self._needed <= MAX_BYTES, _TOO_LONG)
                    break
                _demand(data[end : end + 2] == b"\r\n", "a string is longer than it says")
                self._place(data[after:end])
                start = end + 2
                continue
            if kind == _ARRAY and (length := _whole(line)) > 0:
                self._begin(length)
            else:
                self._place(_short(kind, line))
            start = after
        return data[start:]

    def _begin(self, length: int) -> None:
        """Begin an array. Its length is checked before anything of it has come."""
        self._size += 1
        _demand(self._size + length <= MAX_VALUES, _TOO_MANY)
        _demand(len(self._open) < MAX_DEPTH, f"more than {MAX_DEPTH} arrays are within one another")
        self._open.append(([], length))

    def _place(self, value: Reply) -> None:
        """Put a value where it belongs: into the innermost array, or among the replies."""
        self._size += 1
        _demand(self._size <= MAX_VALUES, _TOO_MANY)
        while self._open:
            array, length = self._open[-1]
            array.append(value)
            if len(array) < length:
                return
            self._open.pop()
            value = array
        self.values.append(value)


_SIMPLE, _ERROR, _INTEGER, _BULK, _ARRAY = b"+-:$*"
_TOO_LONG: Final = f"the replies have more than {MAX_BYTES} bytes"
_TOO_MANY: Final = f"the replies have more than {MAX_VALUES} values"


def _short(kind: int, line: bytes) -> Reply:
    """Return a value that is a single line."""
    if kind == _INTEGER:
        return _whole(line)
    if kind == _SIMPLE:
        return line
    if kind == _ERROR:
        return ReplyError(line.decode(errors="replace"))
    _demand(kind in (_BULK, _ARRAY), "the server does not speak RESP2")
    if line == b"-1":
        return None
    _demand(line == b"0", "a length is negative")
    return []


def _whole(line: bytes) -> int:
    """Return the integer in a line. Python's own reading takes spaces and underscores too."""
    digits = line[1:] if line[:1] == b"-" else line
    _demand(digits.isdigit() and len(digits) <= _MAX_DIGITS, "a number is not one")
    return int(line)


def _demand(holds: bool, what: str) -> None:  # noqa: FBT001 - a condition, and its absence
    if not holds:
        raise ResponseError(what)
