"""A loopback proxy for Redis that counts, delays and loses messages.

Commands are numbered from 1 in the order of their arrival, over all connections and with the
handshakes of the clients (AUTH, HELLO, CLIENT, SELECT). Each waits for the reply of the one before
it on its connection. Not for subscriptions, MONITOR and pushes, which are no replies.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterable
from typing import Final, NamedTuple

from kit.network.loopback import LoopbackServer

PATIENCE: Final = 30.0
"""Seconds after which a test that waits for a command has failed."""
_CHUNK: Final = 262_144
_QUIET: Final = 0.02
"""Seconds of silence that end a pipeline."""
_PIECE: Final = 4096
"""Bytes: redis-py sends a pipeline in pieces of more than that, so a smaller command is alone."""


class _Command(NamedTuple):
    number: int
    raw: bytes


class RedisProxy(LoopbackServer):
    """A proxy in front of the plain server on `upstream`, a loopback port. Use as a context
    manager.

    `delay`: seconds by which each reply comes later. For TLS, put a `kit.tls.TlsFront` in front of
    it.
    """

    def __init__(self, upstream: int, *, delay: float = 0) -> None:
        self._upstream = upstream
        self.delay = delay
        self._changed = threading.Condition()
        self._lost_requests: set[int] = set()
        self._lost_replies: set[int] = set()
        self._held_requests: set[int] = set()
        self._held_replies: set[int] = set()
        self._swallows = False
        self._cuts = 0
        self._names: list[str] = []
        self.round_trips = 0
        """The number of waits of clients: commands sent together are one round trip."""
        self.connections = 0
        """The number of connections so far."""
        self.bytes_sent = 0
        """The bytes that clients have sent, lost or not."""
        self.bytes_received = 0
        """The bytes that the server has answered, lost or not."""
        super().__init__()

    @property
    def commands(self) -> list[str]:
        """The commands that have arrived, lost or not, by their first words, such as EVALSHA."""
        with self._changed:
            return list(self._names)

    def forget(self) -> None:
        """Restart the numbers and counts, and forget losses that have not happened yet."""
        self.release()
        with self._changed:
            self._names.clear()
            self._lost_requests.clear()
            self._lost_replies.clear()
            self.round_trips = self.connections = self.bytes_sent = self.bytes_received = 0

    def lose_request(self, *numbers: int) -> None:
        """Keep these commands from the server, and close their connections."""
        self._note(self._lost_requests, numbers)

    def lose_reply(self, *numbers: int) -> None:
        """Let these commands take effect, and close their connections instead of replying."""
        self._note(self._lost_replies, numbers)

    def hold(self, *numbers: int) -> None:
        """Hold these commands in the proxy until `release`, even if their clients give up."""
        self._note(self._held_requests, numbers)

    def hold_reply(self, *numbers: int) -> None:
        """Let these commands take effect, and hold their replies in the proxy until `release`."""
        self._note(self._held_replies, numbers)

    def release(self, *numbers: int) -> None:
        """Let these held commands and replies go on, or all of them."""
        with self._changed:
            for held in (self._held_requests, self._held_replies):
                held.difference_update(numbers or tuple(held))
            self._changed.notify_all()

    def wait_arrived(self, count: int) -> None:
        """Wait until this many commands have arrived."""
        with self._changed:
            done = self._changed.wait_for(lambda: len(self._names) >= count, timeout=PATIENCE)
        assert done, f"{len(self._names)} commands arrived, waited for {count}"

    def blackhole(self) -> None:
        """Accept connections and commands from now on, and never answer any."""
        self._swallows = True

    def restore(self) -> None:
        """End a `blackhole` for new commands; swallowed ones get no reply."""
        self._swallows = False

    def cut(self) -> None:
        """End all existing connections, with what is held; new ones are welcome."""
        super().cut()
        with self._changed:
            self._cuts += 1
            self._changed.notify_all()

    def serve(self, connection: socket.socket) -> None:
        with self._changed:
            self.connections += 1
        server = self.connect(self._upstream)
        try:
            while True:
                readable, _, _ = select.select([connection, server], [], [])
                if server in readable:  # unasked, it has nothing to say but its end
                    return
                for command in self._arrive(connection):
                    if not self._exchange(command, connection, server):
                        return
        finally:
            self.close(server)

    def _arrive(self, connection: socket.socket) -> list[_Command]:
        """Return the next bytes of a client. Raises ConnectionResetError if it has gone."""
        found: list[_Command] = []
        unread = b""
        while not found or unread or select.select([connection], [], [], _QUIET)[0]:
            received = _more(connection)
            messages, unread = _split(unread + received)
            with self._changed:
                self.bytes_sent += len(received)
                for raw in messages:
                    self._names.append(_name(raw))
                    found.append(_Command(len(self._names), raw))
                self._changed.notify_all()
            if len(found) == 1 and not unread and len(found[0].raw) < _PIECE:
                break
        with self._changed:
            self.round_trips += 1
        return found

    def _exchange(
        self, command: _Command, connection: socket.socket, server: socket.socket
    ) -> bool:
        """Pass on one command and its reply. Return False if the connection is to be closed."""
        if self._swallows:
            while connection.recv(_CHUNK):
                pass
            return False
        self._wait(command.number, self._held_requests)
        if command.number in self._lost_requests:
            return False
        server.sendall(command.raw)
        reply = b""
        while _end(reply, 0) is None:
            reply += _more(server)
        with self._changed:
            self.bytes_received += len(reply)
        if command.number in self._lost_replies:
            return False
        self._wait(command.number, self._held_replies)
        if self.delay:
            self._ending.wait(self.delay)
        connection.sendall(reply)
        return True

    def _wait(self, number: int, held: set[int]) -> None:
        with self._changed:
            cuts = self._cuts
            self._changed.wait_for(lambda: number not in held or self._cuts > cuts)

    def _note(self, what: set[int], numbers: Iterable[int]) -> None:
        with self._changed:
            what.update(numbers)


def _more(connection: socket.socket) -> bytes:
    if not (received := connection.recv(_CHUNK)):
        raise ConnectionResetError
    return received


def _split(received: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole messages, and the rest."""
    messages, start = [], 0
    while (end := _end(received, start)) is not None:
        messages.append(received[start:end])
        start = end
    return messages, received[start:]


def _name(raw: bytes) -> str:
    """Return the first word of a command, which is an array, or a line that somebody typed."""
    word = raw.split(b"\r\n")[2] if raw.startswith(b"*") else raw.split()[0]
    return word.decode().upper()


def _end(received: bytes, start: int) -> int | None:
    """Return the end of the message that begins at `start`; None while part of it is missing.

    https://redis.io/docs/latest/develop/reference/protocol-spec/
    """
    line_end = received.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind, position = received[start : start + 1], line_end + 2
    if kind not in b"$!=*~>%|":
        return position
    count = int(received[start + 1 : line_end])
    if kind in b"$!=":
        end = position if count < 0 else position + count + 2
        return end if end <= len(received) else None
    parts = {b"%": 2 * count, b"|": 2 * count + 1}.get(kind, count)
    for _ in range(parts):
        following = _end(received, position)
        if following is None:
            return None
        position = following
    return position
