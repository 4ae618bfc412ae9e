"""A network without time or sockets: peers that fall silent at one point, on a clock of its own.

Every wait either is over at once, or lasts until its deadline; so the clock tells afterwards for
how long a caller has waited in all.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeAlias, TypeVar

import pytest

from lambda_idempotency.clients.net import dial
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.threads import Start
from lambda_idempotency.clients.net.waiting import READABLE

Stage: TypeAlias = Literal[
    "resolving",
    "connecting",
    "connecting to three addresses",
    "the handshake",
    "the proxy",
    "writing",
    "reading",
    "a response that drips",
    "throttling",
    "credentials",
    "credentials that fail",
    "credentials that another is loading",
]
CREDENTIALS_PORT: Final = 2000
PROXY_PORT: Final = 3000

T = TypeVar("T")

_THROTTLED: Final = b"HTTP/1.1 503 Slow\r\nContent-Length: 0\r\n\r\n"
_FAILED: Final = b"HTTP/1.1 500 Bad\r\nContent-Length: 0\r\n\r\n"


class SilentNetwork:
    """A clock, and peers that fall silent at a stage. It is a way to wait, too."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = stage
        self.now = 1_000_000.0
        self.sockets: dict[int, _Socket] = {}
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "time", lambda: self.now)
        monkeypatch.setattr(socket, "socket", lambda *_: _Socket(self))
        monkeypatch.setattr(ssl, "create_default_context", lambda **_: _Context())
        if stage != "resolving":
            count = 3 if stage == "connecting to three addresses" else 1
            places = [(socket.AF_INET, (f"10.0.0.{n}", 0)) for n in range(count)]
            monkeypatch.setattr(
                dial,
                "_looked_up",
                lambda _, port, *__: [(family, (host, port)) for family, (host, _) in places],
            )

    async def ready(self, file: int, event: int, deadline: Deadline) -> None:
        left = deadline.require()
        taken = self.sockets[file].silence(reading=event == READABLE)
        self.now += min(taken, left)
        if taken > left:
            raise TimeoutError("timed out")

    async def first_writable(self, files: Sequence[int], deadline: Deadline) -> list[int]:
        left = deadline.require()
        if self.stage in ("connecting", "connecting to three addresses"):
            self.now += left
            raise TimeoutError("timed out")
        return list(files)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def acquire(self, lock: threading.Lock, deadline: Deadline) -> bool:
        if lock.acquire(blocking=False):
            return True
        self.now += max(deadline.left(), 0)
        return False

    async def in_thread(
        self, work: Callable[[], T], deadline: Deadline, begin: Start | None = None
    ) -> T:
        """Wait for a thread in vain: only resolving has one."""
        self.now += max(deadline.left(), 0)
        raise TimeoutError("timed out")


class _Socket:
    def __init__(self, network: SilentNetwork) -> None:
        self._network = network
        self._file = len(network.sockets) + 1
        self._port = 0
        network.sockets[self._file] = self

    def silence(self, *, reading: bool) -> float:
        """Return the seconds until something happens."""
        stage = self._network.stage
        if reading and stage == "a response that drips":
            return 0.3
        silent = {
            "credentials": self._port == CREDENTIALS_PORT,
            "the proxy": self._port == PROXY_PORT,
            "the handshake": reading,
            "writing": not reading,
            "reading": reading,
        }
        return 1e9 if silent.get(stage) else 0.0

    def fileno(self) -> int:
        return self._file

    def connect_ex(self, place: tuple[str, int]) -> int:
        self._port = place[1]
        return errno.EINPROGRESS

    def getsockopt(self, *_: int) -> int:
        return 0

    def setsockopt(self, *_: int) -> None: ...

    def setblocking(self, _: bool) -> None: ...  # noqa: FBT001 - as that of a socket

    def close(self) -> None: ...

    def send(self, data: memoryview) -> int:
        if self._network.stage == "writing":
            raise BlockingIOError
        return len(data)

    def recv(self, _: int) -> bytes:
        if self._network.stage == "a response that drips":
            return b"x"
        return _FAILED if self._port == CREDENTIALS_PORT else _THROTTLED


class _Context:
    def wrap_socket(self, plain: _Socket, **_: Any) -> _TlsSocket:
        return _TlsSocket(plain)


class _TlsSocket:
    def __init__(self, plain: _Socket) -> None:
        self._plain = plain

    def fileno(self) -> int:
        return self._plain.fileno()

    def do_handshake(self) -> None:
        raise ssl.SSLWantReadError

    def close(self) -> None: ...
