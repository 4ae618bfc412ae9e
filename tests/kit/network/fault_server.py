"""A loopback HTTP server that follows a script: each exchange succeeds or fails as it says.

Built on plain sockets, because a server that keeps to HTTP cannot break it. Requests are numbered
over all connections in the order of their arrival; the n-th meets the n-th step, and after the last
step every one meets `otherwise`.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from zlib import crc32

from kit.network.loopback import LoopbackServer
from kit.network.tls import Certificates, server_context

PATIENCE: Final = 30.0
"""Seconds after which a test that waits for the server has failed."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request, and the number, from 1, of its connection."""

    connection: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def parsed(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Step:
    """The reaction to one request.

    `close` comes last; `hold` says nothing more until the client goes; `drip` sends byte by byte.
    """

    send: bytes = b""
    read: bool = True
    close: bool = False
    hold: bool = False
    drip: bool = False


Reaction: TypeAlias = Step | Callable[[Request], Step]


def answer(
    body: bytes | dict[str, Any] = b"{}",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    close: bool = False,
    version: str = "HTTP/1.1",
) -> Step:
    """Return a whole response. With `close` the connection then ends, unannounced."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Length": str(len(content)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return Step(send=f"{version} {status} Words\r\n{head}\r\n".encode() + content, close=close)


def failure(code: str, *, status: int = 400, date: str | None = None, **more: Any) -> Step:
    """Return an error as DynamoDB answers it, its checksum included."""
    body = json.dumps({"__type": f"com.amazonaws.dynamodb#{code}", **more}).encode()
    headers = {"x-amzn-RequestId": "REQUEST-7", "x-amz-crc32": str(crc32(body))}
    if date is not None:
        headers["Date"] = date
    return answer(body, status=status, headers=headers)


def raw(send: bytes, *, close: bool = False) -> Step:
    """Return a step that sends these bytes as they are."""
    return Step(send=send, close=close)


UNREAD: Final = Step(read=False, close=True)
"""The connection closes before the request is read."""
LOST: Final = Step(close=True)
"""The request is read, and the connection closes instead of a reply."""
SILENCE: Final = Step(hold=True)
"""The request is read, and nothing comes."""


@dataclass
class _Tally:
    """The state that tests read; guarded by `changed`."""

    requests: list[Request] = field(default_factory=list)
    numbers: dict[socket.socket, int] = field(default_factory=dict)
    closed: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)


class FaultServer(LoopbackServer):
    """Listens on 127.0.0.1, or on ::1. Use as a context manager."""

    def __init__(
        self,
        *script: Reaction,
        otherwise: Reaction | None = None,
        tls: Certificates | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self._script = list(script)
        self._otherwise = answer() if otherwise is None else otherwise
        self._tls = None if tls is None else server_context(tls)
        self._tally = _Tally()
        super().__init__(host=host)
        shown = f"[{host}]" if ":" in host else host
        self.endpoint = f"{'http' if tls is None else 'https'}://{shown}:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """The requests that were read."""
        with self._tally.changed:
            return list(self._tally.requests)

    @property
    def opened(self) -> int:
        """The number of connections so far."""
        with self._tally.changed:
            return len(self._tally.numbers)

    def script(self, *steps: Reaction) -> None:
        """Add steps."""
        with self._tally.changed:
            self._script.extend(steps)

    def wait_requests(self, number: int) -> None:
        """Wait until this many requests have been read."""
        with self._tally.changed:
            done = self._tally.changed.wait_for(
                lambda: len(self._tally.requests) >= number, timeout=PATIENCE
            )
        assert done, f"only {len(self._tally.requests)} requests came"

    def wait_closed(self, connections: int) -> None:
        """Wait until this many connections have been closed, by either side."""
        with self._tally.changed:
            done = self._tally.changed.wait_for(
                lambda: self._tally.closed >= connections, timeout=PATIENCE
            )
        assert done, "no connection was closed"

    def accepted(self, connection: socket.socket) -> None:
        with self._tally.changed:
            self._tally.numbers[connection] = len(self._tally.numbers) + 1

    def serve(self, connection: socket.socket) -> None:
        number = self._tally.numbers[connection]
        try:
            if self._tls is None:
                self._serve_all(connection, number)
            else:
                # A duplicate, because wrapping takes the socket away, and `cut` needs it.
                with self._tls.wrap_socket(connection.dup(), server_side=True) as wrapped:
                    self._serve_all(wrapped, number)
        except ValueError:
            pass  # no HTTP: tests look at the client's side of that
        finally:
            self.close(connection)
            with self._tally.changed:
                self._tally.closed += 1
                self._tally.changed.notify_all()

    def _serve_all(self, connection: socket.socket, number: int) -> None:
        while not self._ending.is_set() and self._exchange(connection, number):
            pass

    def _exchange(self, connection: socket.socket, number: int) -> bool:
        first = connection.recv(1)
        if not first:
            return False
        with self._tally.changed:
            reaction = self._script.pop(0) if self._script else self._otherwise
        if isinstance(reaction, Step) and not reaction.read:
            return False
        request = _read(connection, number, first)
        with self._tally.changed:
            self._tally.requests.append(request)
            self._tally.changed.notify_all()
        step = reaction if isinstance(reaction, Step) else reaction(request)
        if step.drip:
            for byte in step.send:
                connection.sendall(bytes((byte,)))
                if self._ending.wait(0.01):
                    return False
            return not step.close
        connection.sendall(step.send)
        if step.hold:
            connection.recv(1)
        return not (step.close or step.hold)


def _read(connection: socket.socket, number: int, received: bytes) -> Request:
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        body += _more(connection)
    assert len(body) == length, "two requests at once on one connection"
    return Request(connection=number, method=method, path=path, headers=headers, body=body)


def _more(connection: socket.socket) -> bytes:
    if not (received := connection.recv(65_536)):
        raise ConnectionResetError
    return received
