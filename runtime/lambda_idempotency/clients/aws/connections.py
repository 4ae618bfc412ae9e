"""Kept-alive HTTP/1.1 connections to one endpoint.

This is the hot path, so it is written by hand: the standard library's http.client takes about eight
times the CPU per exchange (it parses headers as mail) and doubles the import time. It understands
only what AWS endpoints send: Content-Length or chunked bodies, no redirects.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple, NoReturn

from ..net.deadline import sends_anyway
from .endpoints import Endpoint

MAX_IDLE_S: Final = 55.0
"""Seconds after which an unused connection is no longer trusted: routers drop it silently."""

LAST_SEND_S: Final = 0.05
"""Seconds for writing a request whose answer nobody awaits."""

_MAX_HEAD: Final = 64 * 1024
_MAX_BODY: Final = 64 * 1024 * 1024
_CHUNK: Final = 64 * 1024


class ConnectionFailedError(Exception):
    """No response came; the request may have arrived. `reused`: over an old connection."""

    def __init__(self, message: str, *, reused: bool = False) -> None:
        super().__init__(message)
        self.reused = reused


class Response(NamedTuple):
    """A complete response. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connections:
    """Opens connections as needed, keeps them, and replaces dead ones without an error.

    Thread-safe: one caller at a time uses a connection.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._idle: list[tuple[socket.socket, float]] = []
        self._unread: socket.socket | None = None
        self._process = os.getpid()
        self._tls: ssl.SSLContext | None = None

    def exchange(self, request: bytes, deadline: float) -> Response:
        """Send a request and return its response, by `deadline` (`time.monotonic()`).

        Raises `ConnectionFailedError`.
        """
        if time.monotonic() >= deadline and sends_anyway():
            self._send_only(request)
        reusable = self._take()
        connection = self._open(deadline) if reusable is None else reusable
        try:
            connection.settimeout(_left(deadline))
            connection.sendall(request)
            response, keep = _read(connection, deadline)
        except (OSError, ValueError) as error:
            connection.close()
            raise ConnectionFailedError(
                f"{self._endpoint.authority}: {_reason(error)}", reused=reusable is not None
            ) from None
        except BaseException:
            connection.close()  # interrupted halfway: the response would go to the next caller
            raise
        if keep:
            self._idle.append((connection, time.monotonic()))
        else:
            connection.close()
        return response

    def _send_only(self, request: bytes) -> NoReturn:
        """Send a request, if a connection is open, and let nobody wait for its answer."""
        if (connection := self._take()) is None:
            raise ConnectionFailedError(f"{self._endpoint.authority}: timed out")
        with suppress(OSError):
            connection.settimeout(LAST_SEND_S)
            connection.sendall(request)
        self._close_unread()
        self._unread = connection  # left open, so that the server does not see its client go
        raise ConnectionFailedError(f"{self._endpoint.authority}: sent too late for an answer")

    def close(self) -> None:
        """Close the idle connections."""
        self._close_unread()
        while True:
            try:
                connection, _ = self._idle.pop()
            except IndexError:  # another thread may have taken the last one at any moment
                return
            connection.close()

    def _close_unread(self) -> None:
        connection, self._unread = self._unread, None
        if connection is not None:
            connection.close()

    def _take(self) -> socket.socket | None:
        if self._process != os.getpid():  # a fork's parent reads from the same sockets
            self._process = os.getpid()
            self.close()
        while True:
            try:
                connection, since = self._idle.pop()
            except IndexError:
                return None
            if time.monotonic() - since < MAX_IDLE_S and not _is_readable(connection):
                return connection
            connection.close()  # closed by the server, perhaps while the sandbox was frozen

    def _open(self, deadline: float) -> socket.socket:
        endpoint = self._endpoint
        try:
            plain = socket.create_connection((endpoint.host, endpoint.port), _left(deadline))
        except (OSError, UnicodeError) as error:  # UnicodeError: not a host name
            raise ConnectionFailedError(f"{endpoint.authority}: {_reason(error)}") from None
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if endpoint.scheme == "http":
            return plain
        try:
            plain.settimeout(_left(deadline))
            return self._context().wrap_socket(plain, server_hostname=endpoint.host)
        except OSError as error:
            plain.close()
            raise ConnectionFailedError(f"{endpoint.authority}: {_reason(error)}") from None

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            bundle = os.environ.get("AWS_CA_BUNDLE") or None
            try:
                self._tls = ssl.create_default_context(cafile=bundle)
            except OSError as error:
                raise OSError(f"AWS_CA_BUNDLE cannot be read: {error}") from None
        return self._tls


def request_bytes(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return a request as it is sent. Raises ValueError for a header with a line break."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
    if body or method in ("POST", "PUT"):
        lines.append(f"content-length: {len(body)}")
    head = "\r\n".join((*lines, "", ""))
    if head.count("\n") != len(lines) + 1 or head.count("\r") != len(lines) + 1:
        raise ValueError("a header has a line break in it")
    return head.encode("latin-1") + body


def _read(connection: socket.socket, deadline: float) -> tuple[Response, bool]:
    """Return the response, and whether the connection can be used again."""
    reader = _Reader(connection, deadline)
    while True:
        head = reader.until(b"\r\n\r\n", _MAX_HEAD).decode("latin-1").split("\r\n")
        version, code, *_ = head[0].split(" ", 2)
        status = int(code)
        if status >= 200:  # an informational response announces another one
            break
    headers: dict[str, str] = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    ends = headers.get("connection", "").lower() == "close" or version != "HTTP/1.1"
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _chunked(reader)
    elif "content-length" in headers:
        body = reader.exactly(int(headers["content-length"]))
    elif status in (204, 304):
        body = b""
    else:
        body, ends = reader.rest(), True
    return Response(status, headers, body), not ends and reader.is_empty


def _chunked(reader: _Reader) -> bytes:
    chunks = []
    total = 0
    while size := int(reader.until(b"\r\n", 1024).split(b";")[0], 16):
        total += size
        if total > _MAX_BODY:
            raise ValueError("the body is too large")
        chunks.append(reader.exactly(size))
        if reader.exactly(2) != b"\r\n":
            raise ValueError("a chunk is longer than it says")
    while reader.until(b"\r\n", _MAX_HEAD):
        pass  # trailers
    return b"".join(chunks)


class _Reader:
    """Reads a connection up to a deadline. Raises OSError or ValueError."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._buffer = b""

    @property
    def is_empty(self) -> bool:
        return not self._buffer

    def until(self, mark: bytes, limit: int) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > limit:
                raise ValueError("the response's head is too long")
            self._buffer += self._more()
        found = self._buffer[:end]
        self._buffer = self._buffer[end + len(mark) :]
        return found

    def exactly(self, size: int) -> bytes:
        if not 0 <= size <= _MAX_BODY:
            raise ValueError("the body's length is negative or too large")
        parts = [self._buffer]
        have = len(self._buffer)
        while have < size:
            parts.append(self._more())
            have += len(parts[-1])
        whole = b"".join(parts)
        self._buffer = whole[size:]
        return whole[:size]

    def rest(self) -> bytes:
        parts = [self._buffer]
        size = len(self._buffer)
        while size <= _MAX_BODY:
            if not (part := self._receive()):
                self._buffer = b""
                return b"".join(parts)
            parts.append(part)
            size += len(part)
        raise ValueError("the body is too large")

    def _more(self) -> bytes:
        if not (received := self._receive()):
            raise ConnectionResetError("the server closed the connection")
        return received

    def _receive(self) -> bytes:
        self._connection.settimeout(_left(self._deadline))
        return self._connection.recv(_CHUNK)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _is_readable(connection: socket.socket) -> bool:
    """Tell whether an idle connection has something to read: that can only be its end."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "timed out"
    return f"{type(error).__name__}: {error}"
