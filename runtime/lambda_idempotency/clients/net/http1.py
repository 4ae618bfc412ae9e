"""HTTP/1.1 without I/O: the bytes of a request, and a parser that is fed the bytes of a response.

This is the hot path, so it is written by hand: the standard library's http.client takes about eight
times the CPU per exchange (it parses headers as mail) and doubles the import time. It understands
only what AWS endpoints send: Content-Length or chunked bodies, no redirects.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from ...tuples import NamedTuple

_MAX_HEAD: Final = 64 * 1024
_MAX_BODY: Final = 64 * 1024 * 1024


class Response(NamedTuple):
    """A complete response. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


Parser: TypeAlias = Generator[None, bytes, tuple[Response, bool]]


def request_bytes(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return a request as it is sent. Raises ValueError for a header with a line break."""
    head = f"{head_of(method, path, headers)}{length_of(method, body)}\r\n"
    return head.encode("latin-1") + body


def head_of(method: str, path: str, headers: Mapping[str, str]) -> str:
    """Return the lines with which a request begins. More of them may follow, and then an empty one.
    Raises ValueError for a header with a line break."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers), ""]
    head = "\r\n".join(lines)
    if not head.count("\n") == head.count("\r") == len(lines) - 1:
        raise ValueError("a header has a line break in it")
    return head


def length_of(method: str, body: bytes) -> str:
    """Return the line with a body's length, where there may be a body."""
    return f"content-length: {len(body)}\r\n" if body or method in ("POST", "PUT") else ""


def parsing(received: bytes, *, has_body: bool = True) -> Parser:
    """Parse a response that begins with these bytes. After `next`, `send` what arrives, or no bytes
    for the end of the stream.

    It returns the response, and whether the connection can be used again. Raises `OSError` where
    the stream ends too soon, and ValueError for what is not HTTP.
    """
    buffer = _Buffer(_demanded(received))
    while True:
        while (head := buffer.until(b"\r\n\r\n", _MAX_HEAD)) is None:
            buffer.add((yield))
        first, *lines = head.decode("latin-1").split("\r\n")
        version, code, *_ = first.split(" ", 2)
        status = int(code)
        if status >= 200:  # an informational response announces another one
            break
    headers = dict(map(_header, lines))
    ends = headers.get("connection", "").lower() == "close" or version != "HTTP/1.1"
    if not has_body or status in (204, 304):
        body = b""
    elif headers.get("transfer-encoding", "").lower() == "chunked":
        body = yield from _chunked(buffer)
    elif "content-length" in headers:
        body = yield from buffer.exactly(int(headers["content-length"]))
    else:
        body, ends = (yield from buffer.rest()), True
    return Response(status, headers, body), not ends and buffer.is_empty


@lru_cache(maxsize=64)
def _header(line: str) -> tuple[str, str]:
    """Return a header. Most lines of a response are those of the one before, or come again."""
    name, _, value = line.partition(":")
    return name.lower(), value.strip()


def _chunked(buffer: _Buffer) -> Generator[None, bytes, bytes]:
    chunks = []
    total = 0
    while True:
        while (line := buffer.until(b"\r\n", 1024)) is None:
            buffer.add((yield))
        if not (size := int(line.split(b";")[0], 16)):
            break
        total += size
        if total > _MAX_BODY:
            raise ValueError("the body is too large")
        chunks.append((yield from buffer.exactly(size)))
        if (yield from buffer.exactly(2)) != b"\r\n":
            raise ValueError("a chunk is longer than it says")
    while (trailer := buffer.until(b"\r\n", _MAX_HEAD)) != b"":
        if trailer is None:
            buffer.add((yield))
    return b"".join(chunks)


class _Buffer:
    """The bytes that have come and are not parsed."""

    __slots__ = ("_bytes",)

    def __init__(self, received: bytes) -> None:
        self._bytes = received

    @property
    def is_empty(self) -> bool:
        return not self._bytes

    def add(self, received: bytes) -> None:
        self._bytes += _demanded(received)

    def until(self, mark: bytes, limit: int) -> bytes | None:
        """Take the bytes before a mark, and the mark. None: it has not come."""
        found, there, rest = self._bytes.partition(mark)
        if there:
            self._bytes = rest
            return found
        if len(found) > limit:
            raise ValueError("the response's head is too long")
        return None

    def exactly(self, size: int) -> Generator[None, bytes, bytes]:
        """Take so many bytes."""
        if not 0 <= size <= _MAX_BODY:
            raise ValueError("the body's length is negative or too large")
        whole = self._bytes
        if len(whole) < size:
            parts, have = [whole], len(whole)
            while have < size:
                parts.append(_demanded((yield)))
                have += len(parts[-1])
            whole = b"".join(parts)
        self._bytes = whole[size:]
        return whole[:size]

    def rest(self) -> Generator[None, bytes, bytes]:
        """Take all bytes until the stream's end."""
        parts, have = [self._bytes], len(self._bytes)
        self._bytes = b""
        while have <= _MAX_BODY:
            if not (received := (yield)):
                return b"".join(parts)
            parts.append(received)
            have += len(received)
        raise ValueError("the body is too large")


def _demanded(received: bytes) -> bytes:
    if not received:
        raise ConnectionResetError("the server closed the connection")
    return received
