"""A loopback HTTP proxy that loses messages: after the server has answered, or before it is asked.

Requests pass one at a time and are numbered from 1 in the order of their arrival.
"""

from __future__ import annotations

import http.client
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


class LossyProxy:
    """A proxy in front of the server on `upstream`, a loopback port. Use as a context manager."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._lost_requests: set[int] = set()
        self._lost_replies: set[int] = set()
        self._one_at_a_time = threading.Lock()
        self.operations: list[str] = []
        """The requests that have arrived, lost or not, by the name of their operation."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> LossyProxy:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def lose_request(self, *numbers: int) -> None:
        """Keep these requests from the server."""
        self._lost_requests.update(numbers)

    def lose_reply(self, *numbers: int) -> None:
        """Let these requests take effect, and close the connection instead of replying."""
        self._lost_replies.update(numbers)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                with suppress(ConnectionError):  # the client has gone
                    super().handle()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with proxy._one_at_a_time:
                    target = self.headers.get("X-Amz-Target", "")
                    proxy.operations.append(target.rpartition(".")[2])
                    number = len(proxy.operations)
                    reply = None
                    if number not in proxy._lost_requests:
                        reply = proxy._ask(self.path, body, dict(self.headers.items()))
                if reply is None or number in proxy._lost_replies:
                    self.close_connection = True
                    return
                status, headers, content = reply
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's
                """Print nothing: tests read `operations`."""

        return Handler

    def _ask(
        self, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._upstream, timeout=60)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            content = response.read()
            kept = [
                (name, value)
                for name, value in response.getheaders()
                if name.lower() not in {"connection", "transfer-encoding", "content-length"}
            ]
            return response.status, [*kept, ("Content-Length", str(len(content)))], content
        finally:
            connection.close()
