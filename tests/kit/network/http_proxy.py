"""A loopback HTTP proxy: tunnels (CONNECT), and requests that are given with their whole URL."""

from __future__ import annotations

import select
import socket
from urllib.parse import urlsplit

from kit.network.loopback import LoopbackServer


class HttpProxy(LoopbackServer):
    """Passes everything on to the loopback port `upstream`. Use as a context manager.

    `refuses`: the status with which it refuses everything.
    """

    def __init__(self, upstream: int, *, refuses: int | None = None) -> None:
        self._upstream = upstream
        self._refuses = refuses
        self.heads: list[str] = []
        """The first line and the headers of each request."""
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (more := connection.recv(65_536)):
                return
            received += more
        head, _, rest = received.partition(b"\r\n\r\n")
        self.heads.append(head.decode())
        method, target, _ = head.decode().split("\r\n")[0].split(" ")
        if self._refuses is not None:
            connection.sendall(f"HTTP/1.1 {self._refuses} No\r\ncontent-length: 0\r\n\r\n".encode())
            return
        server = self.connect(self._upstream)
        try:
            if method == "CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = urlsplit(target).path or "/"
                server.sendall(head.replace(target.encode(), path.encode(), 1))
                server.sendall(b"\r\n\r\n" + rest)
            self._pass_on(connection, server)
        finally:
            self.close(server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        while True:
            for source in select.select([client, server], [], [])[0]:
                if not (received := source.recv(65_536)):
                    return
                (server if source is client else client).sendall(received)
