"""A loopback HTTP proxy that loses messages: after the server has answered, or before it is asked.

Requests pass one at a time and are numbered from 1 in the order of their arrival.
"""

from __future__ import annotations

import http.client
import threading

from kit.network.fault_server import LOST, SILENCE, FaultServer, Request, Step, answer


class LossyProxy(FaultServer):
    """Stands before the server on `upstream`, a loopback port. Use as a context manager."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._lost_requests: set[int] = set()
        self._lost_replies: set[int] = set()
        self._silent: set[int] = set()
        self._one_at_a_time = threading.Lock()
        self.operations: list[str] = []
        """The requests that have arrived, lost or not, by the name of their operation."""
        super().__init__(otherwise=self._pass_on)

    def lose_request(self, *numbers: int) -> None:
        """Keep these requests from the server."""
        self._lost_requests.update(numbers)

    def lose_reply(self, *numbers: int) -> None:
        """Let these requests take effect, and close the connection instead of replying."""
        self._lost_replies.update(numbers)

    def silence(self, *numbers: int) -> None:
        """Let these requests take effect, and say nothing more on their connections."""
        self._silent.update(numbers)

    def _pass_on(self, request: Request) -> Step:
        with self._one_at_a_time:
            self.operations.append(request.headers.get("x-amz-target", "").rpartition(".")[2])
            number = len(self.operations)
            if number in self._lost_requests:
                return LOST
            reply = self._ask(request)
        if number in self._silent:
            return SILENCE
        return LOST if number in self._lost_replies else reply

    def _ask(self, request: Request) -> Step:
        connection = http.client.HTTPConnection("127.0.0.1", self._upstream, timeout=60)
        try:
            connection.request(request.method, request.path, request.body, request.headers)
            response = connection.getresponse()
            content = response.read()
            kept = {
                name: value
                for name, value in response.getheaders()
                if name.lower() not in {"connection", "transfer-encoding", "content-length"}
            }
            return answer(content, status=response.status, headers=kept)
        finally:
            connection.close()
