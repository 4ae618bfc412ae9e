"""A connection to one node: for a few commands, and without redis-py's retries."""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import Any, Final, Protocol, TypeAlias

from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.retry import Retry

from ..contract.redis import RedisSettings
from ..tuples import NamedTuple
from .errors import RotationError

TIMEOUT: Final = 5.0
"""Seconds for connecting, and again for each answer."""

Answer: TypeAlias = Any
"""A RESP2 answer as redis-py returns it: texts, numbers, lists and None."""


class Node(NamedTuple):
    """The address of a server."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Login(NamedTuple):
    """A user and its password."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.user})"


class Link(Protocol):
    """An authenticated connection."""

    node: Node

    def call(self, *command: str) -> Answer:
        """Send a command and return its answer. Raises `ReplyError` if that is an error, and
        `RotationError`."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Connect(Protocol):
    """A function that opens links, such as `connect`."""

    def __call__(self, settings: RedisSettings, node: Node, login: Login) -> Link:
        """Open a link to this node. Raises `RotationError`."""
        ...


class ReplyError(RotationError):
    """A node answered with an error. `words` is the node's own text."""

    def __init__(self, message: str, *, words: str) -> None:
        super().__init__(message)
        self.words = words


class NodeLink:
    """A link over redis-py's connection. Use it as a context manager, or close it."""

    def __init__(self, connection: Any, node: Node, login: Login) -> None:
        self._connection = connection
        self._user = login.user
        self.node = node

    def __enter__(self) -> NodeLink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def open(self) -> None:
        """Connect and authenticate."""
        self._guard(("AUTH",), self._connection.connect)

    def call(self, *command: str) -> Answer:
        """Send a command and return its answer."""
        return self._guard(command, lambda: self._exchange(command))

    def close(self) -> None:
        """End the connection."""
        self._connection.disconnect()

    def _exchange(self, command: tuple[str, ...]) -> Answer:
        self._connection.send_command(*command)
        return self._connection.read_response()

    def _guard(self, command: tuple[str, ...], act: Any) -> Answer:
        try:
            return act()
        except (RedisError, OSError) as error:
            failure = self._failure(command, error)
        raise failure  # outside the `except`, so that no traceback shows redis-py's error

    def _failure(self, command: tuple[str, ...], error: Exception) -> RotationError:
        name = " ".join(command[: 2 if command[0] in ("ACL", "CLUSTER") else 1])
        where = f"Redis node {self.node}"
        if isinstance(error, AuthenticationError):
            return RotationError(f"{where} refuses the password of user {self._user}")
        if isinstance(error, NoPermissionError):
            return RotationError(f"User {self._user} lacks the right for {name} on {where}")
        if isinstance(error, ResponseError):
            words = str(error)
            if any(part in words for part in command if part.startswith("#")):
                words = "it does not take a password's hash"
            return ReplyError(f"{where} answered {name} with an error: {words}", words=words)
        return RotationError(f"{where} cannot be reached: {_reason(error)}")


def connect(settings: RedisSettings, node: Node, login: Login) -> NodeLink:
    """Open a link to a node. Raises `RotationError`."""
    options: dict[str, Any] = {
        "host": node.host,
        "port": node.port,
        "username": login.user,
        "password": login.password,
        "protocol": 2,  # RESP3 begins with HELLO, which needs one more right
        "driver_info": None,  # CLIENT SETINFO needs another right
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "decode_responses": True,
    }
    kind: type[Any] = Connection
    if settings.tls:
        kind = SSLConnection
        options["ssl_ca_data"] = settings.ca
    link = NodeLink(kind(**options), node, login)
    link.open()
    return link


def _reason(error: BaseException) -> str:
    """Return the reason of a failed connection: the cause behind redis-py's error."""
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({behind.verify_message})"
        if isinstance(behind, OSError) and behind.strerror:
            return behind.strerror
        behind = behind.__cause__ or behind.__context__
    return type(error).__name__
