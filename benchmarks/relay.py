"""What passes the socket of a Redis client: counted between it and the server."""

from __future__ import annotations

import select
import socket
import threading

from kit.network.loopback import LoopbackServer


class Relay(LoopbackServer):
    """Passes bytes on to the loopback port `upstream`. A round trip is whatever the client sends
    until it is answered: commands that travel together are one."""

    def __init__(self, upstream: int) -> None:
        super().__init__()
        self._upstream = upstream
        self._counting = threading.Lock()
        self._round_trips = 0
        self._received = 0
        self._sent = 0

    def counts(self) -> dict[str, int]:
        """Round trips, and bytes received from clients and sent to them, so far."""
        with self._counting:
            return {
                "requests": self._round_trips,
                "received": self._received,
                "sent": self._sent,
            }

    def serve(self, connection: socket.socket) -> None:
        server = self.connect(self._upstream)
        try:
            self._pass_on(connection, server)
        finally:
            self.close(server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        asked = False
        while True:
            readable = select.select([client, server], [], [])[0]
            source = server if server in readable else client
            if not (passed := source.recv(65_536)):
                return
            with self._counting:
                if source is client:
                    self._round_trips += not asked
                    self._received += len(passed)
                else:
                    self._sent += len(passed)
            asked = source is client
            (server if source is client else client).sendall(passed)
