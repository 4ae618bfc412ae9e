"""redis-py's connections, held to the invocation's time, and what carries a command to its server.

redis-py's own defaults are ten retries and five seconds for each try
(https://redis.readthedocs.io/en/stable/retry.html); here nothing is retried but an old connection
that turns out to be dead, because a frozen Lambda environment wakes up with such.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, Final, Protocol

from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.connection import Connection, SSLConnection
from redis.exceptions import (
    AuthenticationError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as LostError,
)
from redis.exceptions import (
    TimeoutError as LateError,
)
from redis.retry import Retry

from .. import deadline
from ..redis_document import RedisSettings
from .credentials import LoadedCredentials

ATTEMPT: Final = 2.0
"""Seconds for one exchange, connecting included; less where the invocation has less left."""

MAX_IDLE: Final = 55.0
"""Seconds after which an unused connection is not trusted any more: routers forget it silently."""

MAX_AGE: Final = 11 * 3600.0
"""Seconds after which a connection is replaced, and so authenticated anew: ElastiCache ends those
of IAM users after 12 hours (https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html).
"""


class _Timed:
    """A connection whose every step ends with the invocation, or after `ATTEMPT` seconds."""

    socket_timeout: Any
    socket_connect_timeout: Any
    _opened = 0.0
    _used = 0.0

    def is_stale(self) -> bool:
        """Whether it has been idle, or authenticated, for too long."""
        now = time.monotonic()
        return now - self._used > MAX_IDLE or now - self._opened > MAX_AGE

    def _connect(self) -> Any:
        self.socket_connect_timeout = self.socket_timeout = _left()
        self._opened = self._used = time.monotonic()
        return super()._connect()  # type: ignore[misc]

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: FBT001
        """Its base's."""
        sock = getattr(self, "_sock", None)
        if sock is not None:
            sock.settimeout(_left())
        self._used = time.monotonic()
        super().send_packed_command(command, check_health)  # type: ignore[misc]

    def can_read(self, timeout: float = 0) -> bool:
        """Its base's. A cluster's pool asks it before each use, and replaces what fails."""
        if self.is_stale():
            raise LostError("idle for too long")
        readable: bool = super().can_read(timeout)  # type: ignore[misc]
        return readable


class _PlainConnection(_Timed, Connection):
    pass


class _TlsConnection(_Timed, SSLConnection):
    pass


class Server(Protocol):
    """What commands are sent to."""

    def execute(self, command: tuple[Any, ...]) -> Any:
        """The answer, as bytes. Raises what redis-py raises."""
        ...

    def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The answer to each, or the `ResponseError` that the server answered. Raises what else
        redis-py raises."""
        ...

    def close(self) -> None:
        """Closes the idle connections; the next command opens others."""
        ...


def server_of(settings: RedisSettings, credentials: LoadedCredentials | None) -> Server:
    """The server, or cluster, of these settings; the first command connects."""
    return (Cluster if settings.cluster else SingleServer)(settings, credentials)


class SingleServer:
    """Keeps connections, each used by one caller at a time. Safe under threads."""

    def __init__(self, settings: RedisSettings, credentials: LoadedCredentials | None) -> None:
        self._class, options = _connection(settings, credentials)
        self._options = {
            **options,
            "host": settings.host,
            "port": settings.port,
            "db": settings.database,
        }
        self._idle: list[Any] = []

    def execute(self, command: tuple[Any, ...]) -> Any:
        """See `Server.execute`."""
        [answer] = self.execute_all([command])
        if isinstance(answer, ResponseError):
            raise answer
        return answer

    def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """See `Server.execute_all`. All are sent in one write."""
        connection = self._take()
        if connection is not None:
            try:
                return self._exchange(connection, commands)
            except AuthenticationError:
                raise
            except (LostError, LateError):
                self.close()  # the others are as old
        return self._exchange(self._class(**self._options), commands)

    def close(self) -> None:
        """See `Server.close`."""
        while self._idle:
            self._idle.pop().disconnect()

    def _take(self) -> Any:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not connection.is_stale():
                return connection
            connection.disconnect()

    def _exchange(self, connection: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        answers = []
        try:
            packed = connection.pack_commands(commands)
            connection.send_packed_command(packed, check_health=False)
            for _ in commands:
                try:
                    answers.append(connection.read_response(disable_decoding=True))
                except ResponseError as error:
                    answers.append(error)
        except BaseException:
            connection.disconnect()
            raise
        self._idle.append(connection)
        return answers


class Cluster:
    """A cluster: redis-py finds the node of a key, and follows when it moves."""

    def __init__(self, settings: RedisSettings, credentials: LoadedCredentials | None) -> None:
        self._settings = settings
        self._credentials = credentials
        self._lock = threading.Lock()
        self._client: RedisCluster | None = None

    def execute(self, command: tuple[Any, ...]) -> Any:
        """See `Server.execute`."""
        client = self._client
        if client is None:
            with self._lock:
                client = self._client = self._client or self._connect()
        return client.execute_command(*command, NEVER_DECODE=True)  # type: ignore[no-untyped-call]

    def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """See `Server.execute_all`. One after the other: they are for different nodes."""
        answers = []
        for command in commands:
            try:
                answers.append(self.execute(command))
            except ResponseError as error:
                answers.append(error)
        return answers

    def close(self) -> None:
        """See `Server.close`."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connect(self) -> RedisCluster:
        """Asks the cluster for its nodes."""
        connection_class, options = _connection(self._settings, self._credentials)
        host = self._settings.host
        host = f"[{host}]" if ":" in host else host
        # From a URL, it takes a connection class; that class speaks TLS, whatever the scheme says.
        return RedisCluster(
            url=f"redis://{host}:{self._settings.port}",
            connection_class=connection_class,
            require_full_coverage=False,
            **options,
        )


def _connection(
    settings: RedisSettings, credentials: LoadedCredentials | None
) -> tuple[type[Any], dict[str, Any]]:
    """The class of a server's connections, and their options."""
    options: dict[str, Any] = {
        "credential_provider": credentials,
        "protocol": 2,  # HELLO would be one more right and round trip
        "driver_info": None,  # as would CLIENT SETINFO
        "retry": Retry(NoBackoff(), 0),
        "socket_keepalive": True,
    }
    if not settings.tls:
        return _PlainConnection, options
    return _TlsConnection, {**options, "ssl_ca_data": settings.ca}


def _left() -> float:
    """Seconds for the next step."""
    return max(deadline.monotonic(ATTEMPT) - time.monotonic(), 0.001)
