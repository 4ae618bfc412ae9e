"""A loopback HTTP server that follows a script: each exchange succeeds or fails as it says.

Built on plain sockets, because a server that keeps to HTTP cannot break it. Requests are numbered
over all connections in the order of their arrival; the n-th meets the n-th step, and after the last
step every one meets `otherwise`.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeAlias
from zlib import crc32

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

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
    opened: int = 0
    closed: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)


class FaultServer:
    """A server on 127.0.0.1, or on ::1. Use as a context manager."""

    def __init__(
        self,
        *script: Reaction,
        otherwise: Reaction | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self._script = list(script)
        self._otherwise = answer() if otherwise is None else otherwise
        self._tls = tls
        self._tally = _Tally()
        self._ending = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=128)
        self.port: int = self._listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.endpoint = f"{'http' if tls is None else 'https'}://{shown}:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._open: set[socket.socket] = set()

    def __enter__(self) -> FaultServer:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        with self._tally.changed:
            for connection in self._open:
                _hang_up(connection)
        for thread in self._threads[1:]:
            thread.join()

    @property
    def requests(self) -> list[Request]:
        """The requests that were read."""
        with self._tally.changed:
            return list(self._tally.requests)

    @property
    def opened(self) -> int:
        """The number of connections so far."""
        with self._tally.changed:
            return self._tally.opened

    def script(self, *steps: Reaction) -> None:
        """Add steps."""
        with self._tally.changed:
            self._script.extend(steps)

    def wait_closed(self, connections: int) -> None:
        """Wait until this many connections have been closed, by either side."""
        with self._tally.changed:
            done = self._tally.changed.wait_for(
                lambda: self._tally.closed >= connections, timeout=PATIENCE
            )
        assert done, "no connection was closed"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the end of the test
                return
            with self._tally.changed:
                self._tally.opened += 1
                number = self._tally.opened
                self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection, number))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        connection = plain
        try:
            if self._tls is not None:
                # Without its own close: `plain` stays ours, whatever becomes of the handshake.
                connection = self._tls.wrap_socket(plain.dup(), server_side=True)
            while not self._ending.is_set() and self._exchange(connection, number):
                pass
        except (OSError, ValueError):
            pass  # the client left, or did not trust us: tests read its side of that
        finally:
            with self._tally.changed:
                self._open.discard(plain)
                connection.close()
                _hang_up(plain)
                plain.close()
                self._tally.closed += 1
                self._tally.changed.notify_all()

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


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # it may be gone already
        connection.shutdown(socket.SHUT_RDWR)


def certificate(directory: Path, host: str) -> Path:
    """Write a file with a key and a certificate that it signs itself, for a name or an IP
    address.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "the test's own")])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = directory / f"{host}.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


def tls(file: Path) -> ssl.SSLContext:
    """Return the TLS context of a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
