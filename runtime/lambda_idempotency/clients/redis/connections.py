"""redis-py's connections, held to the invocation's time, and what carries a command to its server.

redis-py's own defaults are ten retries and five seconds for each try
(https://redis.readthedocs.io/en/stable/retry.html); here nothing is retried but an old connection
that turns out to be dead, because a frozen Lambda environment wakes up with such.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, Protocol

from redis.backoff import NoBackoff
from redis.cluster import PRIMARY, ClusterNode, RedisCluster
from redis.connection import Connection
from redis.exceptions import (
    AuthenticationError,
    RedisClusterException,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as LostError,
)
from redis.exceptions import (
    TimeoutError as LateError,
)
from redis.retry import Retry

from ...contract.redis import RedisSettings
from ..net import deadline
from .credentials import LoadedCredentials

ATTEMPT: Final = 2.0
"""Seconds for one exchange, connecting included; less where the invocation has less left."""

MAX_IDLE: Final = 55.0
"""Seconds after which an unused connection is not trusted any more: routers forget it silently."""

MAX_AGE: Final = 11 * 3600.0
"""Seconds after which a connection is replaced, and so authenticated anew: ElastiCache ends those
of IAM users after 12 hours (https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html).
"""


class HandshakeError(LostError):
    """The server refused what a connection begins with, other than the credentials; `code` is the
    first word of what it said. The rest may quote a password."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Connection(Connection):
    """A connection whose every step ends with the invocation, or after `ATTEMPT` seconds."""

    _opened = 0.0
    _used = 0.0

    def is_stale(self) -> bool:
        """Whether it has been idle, or authenticated, for too long."""
        now = time.monotonic()
        return now - self._used > MAX_IDLE or now - self._opened > MAX_AGE

    def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: FBT001
        """Its base's. Whatever fails, no half-opened connection stays behind."""
        try:
            super().on_connect_check_health(check_health)
            return
        except ResponseError as error:
            code = error.status_code or "ERR"
        except BaseException:
            self.disconnect()  # type: ignore[no-untyped-call]
            raise
        self.disconnect()  # type: ignore[no-untyped-call]
        raise HandshakeError(code)

    def _connect(self) -> Any:
        self.socket_connect_timeout = self.socket_timeout = _left()
        self._opened = self._used = time.monotonic()
        return super()._connect()  # type: ignore[no-untyped-call]

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: FBT001
        """Its base's."""
        if self._sock is not None:
            self._sock.settimeout(_left())
        self._used = time.monotonic()
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]

    def can_read(self, timeout: float = 0) -> bool:
        """Its base's. A cluster's pool asks it before each use, and replaces what fails."""
        if self.is_stale():
            raise LostError("idle for too long")
        return super().can_read(timeout)


def _over_tls(context: ssl.SSLContext) -> type[_Connection]:
    """The class of connections that trust what `context` trusts. redis-py's own makes a context for
    each connection, which takes longer than all else, and trusts the system's CAs in any case."""

    class TlsConnection(_Connection):
        def _connect(self) -> Any:
            plain = super()._connect()
            try:
                return context.wrap_socket(plain, server_hostname=self.host)
            except TimeoutError:
                plain.close()
                # A server without TLS waits for the end of a line.
                raise ssl.SSLError("the handshake was not answered") from None
            except BaseException:
                plain.close()
                raise

    return TlsConnection


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
    """The server, or cluster, of these settings; the first command connects.

    Raises ValueError where `ca` is no certificate.
    """
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
        while (connection := self._pop()) is not None:
            connection.disconnect()

    def _take(self) -> Any:
        while (connection := self._pop()) is not None:
            if not connection.is_stale():
                return connection
            connection.disconnect()
        return None

    def _pop(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:  # another thread may have taken the last one at any moment
            return None

    def _exchange(self, connection: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        answers = []
        try:
            packed = b"".join([_packed(command) for command in commands])
            connection.send_packed_command([packed], check_health=False)
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


def _packed(command: tuple[Any, ...]) -> bytes:
    """A command as RESP has it (https://redis.io/docs/latest/develop/reference/protocol-spec/).
    redis-py's own packer takes a third of the time that its client takes."""
    parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
    strings = [b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]
    return b"*%d\r\n%b" % (len(parts), b"".join(strings))


class _Nodes(RedisCluster):
    """redis-py's client of a cluster, less what scripts over one key do not need."""

    def command(self, **_: Any) -> dict[str, Any]:
        """Nothing: it would ask for a description of all commands, which takes longer than all
        else, in order to find the keys of those that are not scripts."""
        return {}

    def get_node(
        self, host: str | None = None, port: int | None = None, node_name: str | None = None
    ) -> Any:
        """Its base's, and a node without slots: the first one on its way there leads to it."""
        found = super().get_node(host, port, node_name)  # type: ignore[no-untyped-call]
        if found is None and node_name is not None:
            host, _, number = node_name.rpartition(":")
            found = ClusterNode(host, int(number), PRIMARY)  # type: ignore[no-untyped-call]
            found = self.nodes_manager.nodes_cache.setdefault(node_name, found)
        return found

    def close(self) -> None:
        """Its base's leaves the connections open. Those in use by other threads end after it."""
        for node in self.get_nodes():  # type: ignore[no-untyped-call]
            if node.redis_connection is not None:
                pool = node.redis_connection.connection_pool
                pool.update_active_connections_for_reconnect()
                pool.disconnect_free_connections()


class Cluster:
    """A cluster: redis-py finds the node of a key, and follows when it moves."""

    def __init__(self, settings: RedisSettings, credentials: LoadedCredentials | None) -> None:
        self._class, self._options = _connection(settings, credentials)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self._url = f"redis://{host}:{settings.port}"
        self._lock = threading.Lock()
        self._client: _Nodes | None = None

    def execute(self, command: tuple[Any, ...]) -> Any:
        """See `Server.execute`."""
        client = self._client or self._replaced(None)
        try:
            return client.execute_command(*command, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
        except RedisClusterException:
            # No node that it knows answers. The settings' may, and know others.
            replacement = self._replaced(client)
        return replacement.execute_command(*command, NEVER_DECODE=True)  # type: ignore[no-untyped-call]

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
        """See `Server.close`. The nodes are not forgotten: that of the settings may be gone."""
        if self._client is not None:
            self._client.close()

    def _replaced(self, known: _Nodes | None) -> _Nodes:
        """Another client than this one. Raises as `execute`; then the old one may still serve."""
        with self._lock:
            client = self._client
            if client is None or client is known:
                client = self._client = self._connect()
                if known is not None:
                    known.close()
            return client

    def _connect(self) -> _Nodes:
        """Asks the cluster for its nodes."""
        # From a URL, it takes a connection class; that class speaks TLS, whatever the scheme says.
        return _Nodes(
            url=self._url,
            connection_class=self._class,
            require_full_coverage=False,
            **self._options,
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
    return (_over_tls(_context(settings.ca)) if settings.tls else _Connection), options


def _context(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca)
    except (ssl.SSLError, ValueError):
        raise ValueError("ca is not as expected: the PEM text of certificates") from None


def _left() -> float:
    """Seconds for the next step."""
    return max(deadline.monotonic(ATTEMPT) - time.monotonic(), 0.001)
