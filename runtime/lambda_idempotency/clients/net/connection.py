"""A TCP connection: it does not block, and waits as its caller waits, within its caller's deadline.

It belongs to the process that opened it. In a fork's child it is closed without a word (a TLS
`close_notify`, or a shutdown, would end the parent's connection).
"""

from __future__ import annotations

import os
import select
from socket import socket
from typing import Final

from . import elapsed
from .deadline import Deadline
from .secret import Secret
from .waiting import READABLE, WRITABLE, Waits

CHUNK: Final = 64 * 1024


class Connection:
    """An open connection. One caller at a time has it: between the pool's `take` and `give`."""

    __slots__ = (
        "_file",
        "_input",
        "_process",
        "_socket",
        "deadline",
        "opened",
        "reused",
        "used",
        "waits",
    )

    def __init__(self, connected: socket, waits: Waits, deadline: Deadline) -> None:
        self._socket = connected
        self._file = connected.fileno()
        self._input = select.poll()
        self._input.register(self._file, READABLE)
        self._process = os.getpid()
        self.opened = self.used = elapsed.now()
        """When it was opened, and when its pool lent it last."""
        self.reused = False
        self.lend(waits, deadline)

    def lend(self, waits: Waits, deadline: Deadline) -> None:
        """Let a caller use the connection, which waits in this way and until then."""
        self.waits, self.deadline = waits, deadline

    @property
    def is_own(self) -> bool:
        """True in the process that opened the connection."""
        return self._process == os.getpid()

    async def send(self, data: Secret[bytes] | bytes) -> None:
        """Send bytes. Raises `OSError`, `TimeoutError` among them."""
        whole = data.reveal() if isinstance(data, Secret) else data
        self.deadline.require()
        self._demand_own()
        if (sent := self._write(whole)) == len(whole):
            return
        rest = memoryview(whole)[sent:]
        while rest:
            await self.waits.ready(self._file, WRITABLE, self.deadline)
            rest = rest[self._write(rest) :]

    async def receive(self) -> bytes:
        """Return the bytes that have come: at least one, or none if the peer has ended. Raises
        `OSError`, `TimeoutError` among them."""
        while True:
            if not self._has_more():
                await self.waits.ready(self._file, READABLE, self.deadline)
            self._demand_own()
            if (received := self._read()) is not None:
                return received

    def is_silent(self) -> bool:
        """Tell whether an idle connection has nothing to read, which could only be its end."""
        return not self._has_more() and not self._input.poll(0)

    @property
    def is_late(self) -> bool:
        """True if its caller has sent something, and has no time for the answer."""
        return self.reused and self.deadline.left() <= 0

    def close(self) -> None:
        """Close this process's end."""
        self._socket.close()

    def _demand_own(self) -> None:
        if self._process != os.getpid():
            raise ConnectionAbortedError("the process was forked during an exchange")

    # What TLS does in another way --------------------------------------------------------------

    def _has_more(self) -> bool:
        """Tell whether bytes have been read from the socket that no caller has received."""
        return False

    def _write(self, data: bytes | memoryview) -> int:
        """Return how many bytes were taken, maybe none."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def _read(self) -> bytes | None:
        """Return what has come, or None if nothing has."""
        try:
            return self._socket.recv(CHUNK)
        except BlockingIOError:
            return None
