"""The floor on Redis: two scripts by hand, and a bare socket. Standard library only.

`by_hand` runs them through any client with redis-py's `execute_command`. No retries, no deadline,
no fence; the server must know the scripts. Slower than this is what a library adds.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from hashlib import sha1, sha256
from typing import Any, Final

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


class BusyError(Exception):
    """Another attempt is in progress."""


class RedisFloor:
    """A client for one socket, which speaks RESP2."""

    def __init__(
        self, *, host: str, port: int, username: str, password: str, ssl: bool = False
    ) -> None:
        connection = socket.create_connection((host, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ssl:
            connection = _secured(connection, host)
        self._socket = connection
        self._answers = connection.makefile("rb")
        self.execute_command("AUTH", username, password)

    def execute_command(self, *command: str | int) -> Any:
        """The answer, as bytes."""
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


def by_hand(client: Any, handler: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A claim and a completion around a handler."""
    claim, complete = (sha1(script.encode()).hexdigest() for script in (CLAIM, COMPLETE))

    def wrapped(event: Any, context: Any) -> Any:
        text = json.dumps(event, sort_keys=True, separators=(",", ":"))
        key = f"{context.function_name}#{sha256(text.encode()).hexdigest()}"
        now = int(time.time() * 1000)
        times = (now // 1000 + 24 * 3600, now + 30_000)
        flat = client.execute_command("EVALSHA", claim, 1, key, *times)
        if flat:
            found = dict(zip(flat[::2], flat[1::2], strict=True))
            if found[b"status"] != b"COMPLETED":
                raise BusyError
            return json.loads(found[b"data"])
        result = handler(event, context)
        client.execute_command("EVALSHA", complete, 1, key, json.dumps(result))
        return result

    return wrapped


def _secured(connection: socket.socket, host: str) -> socket.socket:
    return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
