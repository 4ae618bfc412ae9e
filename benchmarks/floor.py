"""The floor: what two requests cost with the standard library alone, on a bare socket.

No retries, deadlines or checks: what any library must spend on the same work. The time above it is
what a library adds. The module imports nothing of this project: cold starts import it alone.
"""

from __future__ import annotations

import hmac
import json
import os
import socket
import time
from collections.abc import Callable
from hashlib import sha1, sha256
from typing import Any, Final, TypeAlias

Handler: TypeAlias = Callable[[Any, Any], Any]

CLAIM: Final = """
local found = redis.call('HGETALL', KEYS[1])
if #found > 0 then return found end
redis.call('HSET', KEYS[1], 'status', 'INPROGRESS', 'expiration', ARGV[1],
  'in_progress_expiration', ARGV[2])
redis.call('EXPIREAT', KEYS[1], ARGV[1])
"""
COMPLETE: Final = """
redis.call('HSET', KEYS[1], 'status', 'COMPLETED', 'data', ARGV[1])
"""

encoded: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False
).encode
"""The fastest encoder of the standard library: made once, without escapes and checks."""


class BusyError(Exception):
    """Another attempt is in progress."""


class Floor:
    """A client for one AWS service: one kept-alive socket, each request signed by hand."""

    def __init__(self, service: str = "dynamodb") -> None:
        self._service = service
        self._key = os.environ["AWS_ACCESS_KEY_ID"]
        self._token = os.environ["AWS_SESSION_TOKEN"]
        self._region = os.environ["AWS_REGION"]
        default = f"https://{service}.{self._region}.amazonaws.com"
        scheme, _, self._host = os.environ.get("AWS_ENDPOINT_URL", default).partition("://")
        host, _, port = self._host.partition(":")
        self._socket = _connected(host, int(port or 443), tls=scheme == "https")
        self._derived = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
        self._day = time.strftime("%Y%m%d", time.gmtime())
        for part in (self._day, self._region, service, "aws4_request"):
            self._derived = hmac.digest(self._derived, part.encode(), "sha256")

    def call(self, target: str, parameters: Any) -> Any:
        """Call the operation of this full name; return the parsed response, or error."""
        body = encoded(parameters).encode()
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        names = "host;x-amz-date;x-amz-security-token;x-amz-target"
        request = (
            f"POST\n/\n\nhost:{self._host}\nx-amz-date:{moment}\nx-amz-security-token:{self._token}"
            f"\nx-amz-target:{target}\n\n{names}\n{sha256(body).hexdigest()}"
        )
        scope = f"{self._day}/{self._region}/{self._service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._derived, text.encode(), "sha256").hex()
        head = (
            f"POST / HTTP/1.1\r\nhost: {self._host}\r\nx-amz-date: {moment}\r\n"
            f"x-amz-security-token: {self._token}\r\nx-amz-target: {target}\r\n"
            f"content-type: application/x-amz-json-1.0\r\ncontent-length: {len(body)}\r\n"
            f"authorization: AWS4-HMAC-SHA256 Credential={self._key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + body)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._socket.recv(65536)
        start = received.lower().find(b"content-length:") + 15
        size = end + 4 + int(received[start : received.find(b"\r", start)])
        while len(received) < size:
            received += self._socket.recv(65536)
        return json.loads(received[end + 4 : size])


class RedisFloor:
    """A client for one Redis server, in RESP2."""

    def __init__(
        self, *, host: str, port: int, username: str, password: str, ssl: bool = False
    ) -> None:
        self._socket = _connected(host, port, tls=ssl)
        self._answers = self._socket.makefile("rb")
        self.execute_command("AUTH", username, password)

    def execute_command(self, *command: str | int) -> Any:
        """Send a command and return the answer, with strings as bytes."""
        parts = [str(part).encode() for part in command]
        packed = b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])
        self._socket.sendall(b"*%d\r\n%b" % (len(parts), packed))
        return self._answer()

    def _answer(self) -> Any:
        line = self._answers.readline()
        kind, rest = line[:1], line[1:-2]
        assert kind != b"-", rest
        if kind not in b"*$":
            return rest
        if rest == b"-1":
            return None
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        return self._answers.read(int(rest) + 2)[:-2]


def redis_by_hand(client: Any, handler: Handler) -> Handler:
    """Wrap a handler in a claim and a completion, through a client with `execute_command`.

    The server must know the scripts. Raises BusyError for a duplicate of a running attempt.
    """
    claim, complete = (sha1(script.encode()).hexdigest() for script in (CLAIM, COMPLETE))

    def wrapped(event: Any, context: Any) -> Any:
        key = f"{context.function_name}#{sha256(encoded(event).encode()).hexdigest()}"
        now = int(time.time() * 1000)
        times = (now // 1000 + 24 * 3600, now + 30_000)
        flat = client.execute_command("EVALSHA", claim, 1, key, *times)
        if flat:
            found = dict(zip(flat[::2], flat[1::2], strict=True))
            if found[b"status"] != b"COMPLETED":
                raise BusyError
            return json.loads(found[b"data"])
        result = handler(event, context)
        client.execute_command("EVALSHA", complete, 1, key, encoded(result))
        return result

    return wrapped


def _connected(host: str, port: int, *, tls: bool) -> socket.socket:
    """Return a connection; over TLS it trusts `BENCH_CA`, the one root that it needs."""
    connection = socket.create_connection((host, port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        import ssl

        context = ssl.create_default_context(cafile=os.environ["BENCH_CA"])
        return context.wrap_socket(connection, server_hostname=host)
    return connection
