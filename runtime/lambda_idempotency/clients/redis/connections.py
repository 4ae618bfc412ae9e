"""redis-py's connections, held to the invocation's time, and the servers that they lead to.

redis-py's own defaults are ten retries and five seconds for each try
(https://redis.readthedocs.io/en/stable/retry.html). Here only one thing is retried: an exchange on
an old connection that turns out to be dead, as it can be after a Lambda environment was frozen.
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
"""Seconds for one exchange, including connecting; less if the invocation has less left."""

MAX_IDLE_S: Final = 55.0
"""Seconds after which an unused connection is no longer trusted: routers drop it silently."""

MAX_AGE_S: Final = 11 * 3600.0
"""Seconds after which a connection is replaced by one that authenticates again. ElastiCache ends
the connections of IAM users after 12 hours
(https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html)."""


class HandshakeError(LostError):
    """The server refused a command that opens a connection, but not for the credentials.

    `code` is the first word of the server's error; the rest may quote a password.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Connection(Connection):
    """A connection whose every step ends within `ATTEMPT` seconds, and with the invocation."""

    _opened = 0.0
    _used = 0.0

    def is_stale(self) -> bool:
        """Tell whether the connection has been idle, or authenticated, for too long."""
        now = time.monotonic()
        return now - self._used > MAX_IDLE_S or now - self._opened > MAX_AGE_S

    def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: FBT001
        """Authenticate and set up the connection. Close it if that fails: none stays half open."""
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
        """Send a command, within the time left."""
        if self._sock is not None:
            self._sock.settimeout(_left())
        self._used = time.monotonic()
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]

    def can_read(self, timeout: float = 0) -> bool:
        """Tell whether data is waiting. A cluster's pool calls this before each use of the
        connection, and replaces the connection if it raises."""
        if self.is_stale():
            raise LostError("idle for too long")
        return super().can_read(timeout)


def _over_tls(context: ssl.SSLContext) -> type[_Connection]:
    """Return the class of connections that trust what `context` trusts.

    redis-py's own class makes a context for each connection, which takes longer than all the rest,
    and it always trusts the system's CAs.
    """

    class TlsConnection(_Connection):
        def _connect(self) -> Any:
            plain = super()._connect()
            try:
                return context.wrap_socket(plain, server_hostname=self.host)
            except TimeoutError:
                plain.close()
                # A server without TLS takes the handshake for a line, and waits for its end.
                raise ssl.SSLError("the handshake was not answered") from None
            except BaseException:
                plain.close()
                raise

    return TlsConnection


class Server(Protocol):
    """A server or cluster that takes commands."""

    def execute(self, command: tuple[Any, ...]) -> Any:
        """Send a command and return its answer, as bytes. Raises what redis-py raises."""
        ...

    def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Send commands and return the answer to each, or the `ResponseError` in its place. Raises
        the other errors of redis-py."""
        ...

    def close(self) -> None:
        """Close the idle connections; the next command opens new ones."""
        ...


def server_of(settings: RedisSettings, credentials: LoadedCredentials | None) -> Server:
    """Return the server or cluster of these settings; its first command connects.

    Raises ValueError where `ca` is not a certificate.
    """
    return (Cluster if settings.cluster else SingleServer)(settings, credentials)


class SingleServer:
    """One server, and the open connections to it. Thread-safe: one caller at a time uses each."""

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
        """Send a command and return its answer, as bytes."""
        [answer] = self.execute_all([command])
        if isinstance(answer, ResponseError):
            raise answer
        return answer

    def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Send commands in one write and return their answers."""
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
        """Close the idle connections."""
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
    """Return a command in RESP (https://redis.io/docs/latest/develop/reference/protocol-spec/).
    redis-py's own packer takes a third of its client's time."""
    parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
    strings = [b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]
    return b"*%d\r\n%b" % (len(parts), b"".join(strings))


class _Nodes(RedisCluster):
    """redis-py's cluster client, without the parts that scripts over one key do not need."""

    def command(self, **_: Any) -> dict[str, Any]:
        """Return nothing. The base class would fetch a description of all commands, to find the
        keys of commands that are not scripts; that takes longer than all the rest."""
        return {}

    def get_node(
        self, host: str | None = None, port: int | None = None, node_name: str | None = None
    ) -> Any:
        """Return a node, also one that has no slots yet: the first slot on its way there makes the
        cluster redirect to it."""
        found = super().get_node(host, port, node_name)  # type: ignore[no-untyped-call]
        if found is None and node_name is not None:
            host, _, number = node_name.rpartition(":")
            found = ClusterNode(host, int(number), PRIMARY)  # type: ignore[no-untyped-call]
            found = self.nodes_manager.nodes_cache.setdefault(node_name, found)
        return found

    def close(self) -> None:
        """Close the idle connections, which the base class leaves open. A connection that another
        thread is using closes after that use."""
        for node in self.get_nodes():  # type: ignore[no-untyped-call]
            if node.redis_connection is not None:
                pool = node.redis_connection.connection_pool
                pool.update_active_connections_for_reconnect()
                pool.disconnect_free_connections()


class Cluster:
    """A cluster. redis-py finds the node of a key, and follows the key when it moves."""

    def __init__(self, settings: RedisSettings, credentials: LoadedCredentials | None) -> None:
        self._class, self._options = _connection(settings, credentials)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self._url = f"redis://{host}:{settings.port}"
        self._lock = threading.Lock()
        self._client: _Nodes | None = None

    def execute(self, command: tuple[Any, ...]) -> Any:
        """Send a command and return its answer, as bytes."""
        client = self._client or self._replaced(None)
        try:
            return client.execute_command(*command, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
        except RedisClusterException:
            # No node that the client knows answers. The node in the settings may, and know others.
            replacement = self._replaced(client)
        return replacement.execute_command(*command, NEVER_DECODE=True)  # type: ignore[no-untyped-call]

    def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Send commands one by one, as they go to different nodes, and return their answers."""
        answers = []
        for command in commands:
            try:
                answers.append(self.execute(command))
            except ResponseError as error:
                answers.append(error)
        return answers

    def close(self) -> None:
        """Close the idle connections. Keep the known nodes: the settings' own may be gone."""
        if self._client is not None:
            self._client.close()

    def _replaced(self, known: _Nodes | None) -> _Nodes:
        """Return another client than `known`. Raises as `execute`; then `known` stays in use."""
        with self._lock:
            client = self._client
            if client is None or client is known:
                client = self._client = self._connect()
                if known is not None:
                    known.close()
            return client

    def _connect(self) -> _Nodes:
        """Ask the cluster for its nodes."""
        # Only with a URL does it take a connection class. The class decides about TLS, not the URL.
        return _Nodes(
            url=self._url,
            connection_class=self._class,
            require_full_coverage=False,
            **self._options,
        )


def _connection(
    settings: RedisSettings, credentials: LoadedCredentials | None
) -> tuple[type[Any], dict[str, Any]]:
    """Return the class of a server's connections, and their options."""
    options: dict[str, Any] = {
        "credential_provider": credentials,
        "protocol": 2,  # RESP3 begins with HELLO: one more permission and round trip
        "driver_info": None,  # so does CLIENT SETINFO
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
    """Return the seconds left for the next step."""
    return max(deadline.current(ATTEMPT).left(), 0.001)
