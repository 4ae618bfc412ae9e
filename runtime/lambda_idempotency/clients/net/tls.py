"""TLS over a connection that does not block."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from socket import socket

from .connection import CHUNK, Connection
from .deadline import Deadline
from .waiting import READABLE, WRITABLE, Waits


class TlsConnection(Connection):
    """An open connection over TLS. Its end is not announced: nobody here takes an end of the stream
    for the end of a message."""

    __slots__ = ()
    _socket: ssl.SSLSocket

    def _has_more(self) -> bool:
        return self._socket.pending() > 0

    def _write(self, data: bytes | memoryview) -> int:
        try:
            return self._socket.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def _read(self) -> bytes | None:
        try:
            return self._socket.recv(CHUNK)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None


async def secured(
    plain: socket, host: bytes, context: ssl.SSLContext, waits: Waits, deadline: Deadline
) -> TlsConnection:
    """Return a connection over TLS, the handshake done and the certificate verified. Closes the
    socket where that fails. Raises `OSError`."""
    try:
        wrapped = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    except BaseException:
        plain.close()
        raise
    try:
        await _until_done(wrapped.do_handshake, wrapped.fileno(), waits, deadline)
    except TimeoutError:
        wrapped.close()
        # A server without TLS takes the handshake for a line, and waits for its end.
        raise ssl.SSLError("the handshake was not answered") from None
    except BaseException:
        wrapped.close()
        raise
    return TlsConnection(wrapped, waits, deadline)


async def _until_done(
    shake: Callable[[], None], file: int, waits: Waits, deadline: Deadline
) -> None:
    while True:
        try:
            return shake()
        except ssl.SSLWantReadError:
            event = READABLE
        except ssl.SSLWantWriteError:
            event = WRITABLE
        await waits.ready(file, event, deadline)
