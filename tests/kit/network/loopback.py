"""A loopback server with a thread for each connection: what a proxy is built on."""

from __future__ import annotations

import secrets
import socket
import threading
from contextlib import closing, suppress
from types import TracebackType
from typing import Self


class LoopbackServer:
    """Listens on 127.0.0.1, or another `host`; subclasses say what `serve` does. Use as a context
    manager."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending.set()
        with suppress(OSError):  # not every system lets a listener be shut down
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def accepted(self, connection: socket.socket) -> None:
        """What is noted of a new connection, before the next is taken."""

    def serve(self, connection: socket.socket) -> None:
        """One connection, until it is to be closed. An OSError ends it quietly."""
        raise NotImplementedError

    def connect(self, port: int) -> socket.socket:
        """A connection onwards to a loopback port; `cut` ends it too."""
        connection = socket.create_connection(("127.0.0.1", port))
        with self._lock:
            if self._ending.is_set():
                connection.close()
                raise ConnectionResetError
            self._open.add(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def close(self, connection: socket.socket) -> None:
        """Closes a connection at both ends, duplicates of it included."""
        with self._lock:
            self._open.discard(connection)
        _hang_up(connection)
        connection.close()

    def cut(self) -> None:
        """Ends all connections there are; new ones are welcome."""
        with self._lock:
            for connection in self._open:
                _hang_up(connection)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the end of the test
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
            self.accepted(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self.serve(connection)
        except OSError:
            pass  # one of the ends went away: tests look at the client's side of that
        finally:
            self.close(connection)


def free_pair(*, apart: int) -> int:
    """A free port with another `apart` above it, both below the ports of outgoing connections."""
    while True:
        port = 10_000 + secrets.randbelow(22_000 - apart)
        try:
            with (
                closing(socket.create_server(("127.0.0.1", port))),
                closing(socket.create_server(("127.0.0.1", port + apart))),
            ):
                return port
        except OSError:
            continue


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # it may be gone already
        connection.shutdown(socket.SHUT_RDWR)
