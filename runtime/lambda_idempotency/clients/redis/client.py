"""The client behind an attached function's `RedisStore`. It follows changes while it runs:

- The server refuses the password: the client reads it again, once a call, and resends the command.
- No connection, or a replica in the primary's place: the client reads the settings again, once a
  call, and resends the command until the call's time ends.
- The server answers with any other error: the client raises it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from redis.exceptions import (
    AuthenticationError,
    ClusterDownError,
    ClusterError,
    InvalidResponse,
    MovedError,
    NoPermissionError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import (
    ConnectionError as LostError,
)
from redis.exceptions import (
    TimeoutError as LateError,
)

from ...contract.redis import RedisSettings
from ...errors import ConfigurationError, IdempotencyError, StoreError
from ...metrics.reporting import report
from ..aws.services import SSM
from ..net.deadline import current
from ..net.retry import Backoff
from ..net.waiting import Blocking, run
from .connections import HandshakeError, Server, server_of
from .credentials import LoadedCredentials, Login, credentials_of, read_text

BUDGET_S: Final = 5.0
"""Seconds for a command with all its retries, or what the invocation has left if that is less."""

_PASSING: Final = (
    LostError,
    LateError,
    ClusterError,
    InvalidResponse,
    MovedError,
    RedisClusterException,
    TryAgainError,
)


class _Access(NamedTuple):
    """A server, as one version of its settings describes it."""

    settings: RedisSettings
    credentials: LoadedCredentials | None
    server: Server


class RedisClient:
    """Sends commands to the server whose settings are in an SSM parameter. Thread-safe."""

    def __init__(
        self,
        parameter: str,
        *,
        url_suffix: str = "amazonaws.com",
        environment: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = self._parameter = parameter
        self._url_suffix = url_suffix
        self._environment = os.environ if environment is None else environment
        self._waits = Blocking(sleep)
        self._lock = threading.Lock()
        self._ssm: SSM | None = None
        self._access: _Access | None = None

    def execute_command(self, *command: Any, **_: Any) -> Any:
        """Send a command and return its answer, as bytes.

        Raises `ConfigurationError`, `StoreError`, or the server's error as redis-py raises it.
        """
        return self._persist(lambda server: server.execute(command))

    def pipeline(self, **_: Any) -> Pipeline:
        """Return a pipeline: its commands are sent together."""
        return Pipeline(self._execute_all)

    def _execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        def send(server: Server) -> list[Any]:
            answers = server.execute_all(commands)
            for answer in answers:
                if isinstance(answer, Exception) and _is_passing(answer):
                    raise answer
            return answers

        found: list[Any] = self._persist(send)
        return found

    def _persist(self, send: Callable[[Server], Any]) -> Any:
        """Send and retry, within the time that the call has left."""
        limit, backoff = current(BUDGET_S), Backoff()
        may_renew = may_relocate = True
        while True:
            access = self._current()
            login = None if access.credentials is None else access.credentials.current()
            try:
                return send(access.server)
            except Exception as error:
                refused = _refusal(error)
                if refused and may_renew and login is not None:
                    may_renew = False
                    self._renew(access, login)
                    continue
                if not refused and not _is_passing(error):
                    raise
                failure = self._failure(access, error, refused=refused)
            access.server.close()
            if may_relocate:
                may_relocate = False
                if self._relocated(access):
                    continue
            if refused or not run(backoff.pause(self._waits, limit)):
                raise failure

    def close(self) -> None:
        """Close the idle connections; the next command opens new ones."""
        if self._access is not None:
            self._access.server.close()
        if self._ssm is not None:
            self._ssm.close()

    def _current(self) -> _Access:
        access = self._access
        if access is None:
            with self._lock:
                access = self._access
                if access is None:
                    access = self._access = self._connect(self._load())
        return access

    def _load(self) -> RedisSettings:
        if self._ssm is None:
            self._ssm = SSM(url_suffix=self._url_suffix, environment=self._environment)
        ssm = self._ssm
        place = f"SSM parameter {self._parameter}"
        text = read_text(place, lambda: ssm.get_parameter(Name=self._parameter))
        return RedisSettings.parse(text, self._parameter)

    def _connect(self, settings: RedisSettings) -> _Access:
        assert self._ssm is not None
        credentials = credentials_of(
            settings,
            environment=self._environment,
            ssm=self._ssm,
            url_suffix=self._url_suffix,
        )
        try:
            server = server_of(settings, credentials)
        except ValueError as error:
            raise ConfigurationError(f"SSM parameter {self._parameter}: {error}") from None
        return _Access(settings, credentials, server)

    def _renew(self, access: _Access, login: Login) -> None:
        """Forget a refused password, and the connections that were opened with it."""
        assert access.credentials is not None
        access.credentials.refused(login)
        access.server.close()
        report("CredentialRefresh", None)

    def _relocated(self, access: _Access) -> bool:
        """Tell whether the settings have changed since; if they have, use the new ones."""
        with self._lock:
            if self._access is access:
                try:
                    settings = self._load()
                    if settings == access.settings:
                        return False
                    self._access = self._connect(settings)
                except (ConfigurationError, StoreError):
                    return False
        return True

    def _failure(self, access: _Access, error: Exception, *, refused: bool) -> IdempotencyError:
        for cause in _causes(error):
            if isinstance(cause, IdempotencyError):
                return cause  # the credentials could not be loaded
        settings = access.settings
        where = f"Redis at {settings.host}:{settings.port} (SSM parameter {self._parameter})"
        if not refused:
            return StoreError(f"{where} cannot be used: {_reason(error, settings)}")
        if access.credentials is None:
            return StoreError(f"{where} asks for a password, and the settings name none")
        return StoreError(
            f"{where} refuses the credentials from {access.credentials.place}. Are the user and "
            "this password set on every node?"
        )


class Pipeline:
    """Commands for one write and one round trip. Its methods are those of redis-py's pipeline."""

    def __init__(self, execute_all: Callable[[Sequence[tuple[Any, ...]]], list[Any]]) -> None:
        self._execute_all = execute_all
        self._commands: list[tuple[Any, ...]] = []

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self._commands.clear()

    def execute_command(self, *command: Any, **_: Any) -> None:
        """Add a command."""
        self._commands.append(command)

    def execute(self, **_: Any) -> list[Any]:
        """Send the commands and return their answers, as bytes; where the server answered with an
        error, the error stands in place of the answer. Raises `ConfigurationError` or `StoreError`,
        and then any of the commands may have taken effect."""
        return self._execute_all(self._commands)


def _is_passing(error: BaseException) -> bool:
    """Tell whether a new connection, a pause or other settings may make the error go away."""
    return isinstance(error, _PASSING) or _is_replica(error)


def _is_replica(error: BaseException) -> bool:
    # When a command in a script fails, Redis 6 puts words of its own before the error's code.
    in_script = isinstance(error, ResponseError) and " -READONLY " in str(error)
    return in_script or isinstance(error, ReadOnlyError)


def _refusal(error: BaseException) -> bool:
    """Tell whether the server refused the credentials."""
    return any(isinstance(cause, AuthenticationError) for cause in _causes(error))


def _reason(error: BaseException, settings: RedisSettings) -> str:
    """Say what went wrong, in our own words: the server's may quote what it was sent."""
    import socket
    import ssl

    causes = list(_causes(error))
    for kind, words in (
        (ssl.SSLCertVerificationError, "its certificate is not trusted; see `ca` and `host`"),
        (ssl.SSLError, "the TLS handshake failed; does it speak TLS on this port?"),
        (socket.gaierror, "its name is not known"),
        (ConnectionRefusedError, "the connection was refused; does it listen there?"),
        ((TimeoutError, LateError), "no answer in time; is there a route, and a security group?"),
        (ClusterDownError, "the cluster is down"),
        (HandshakeError, "it takes no AUTH, or does not let this user into `database`"),
        (NoPermissionError, "the user lacks +cluster|slots, which a cluster's client needs"),
        (MovedError, "it is a node of a cluster, and `cluster` is false"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return words
    if any(_is_replica(cause) for cause in causes):
        return "it is a replica; the settings must name the primary"
    if any("max number of clients" in str(cause) for cause in causes):
        return "it has as many clients as it takes; raise its maxclients"
    if settings.cluster and isinstance(error, RedisClusterException):
        return "it did not answer as a node of a cluster, and `cluster` is true"
    hint = "" if settings.tls else "; does it speak TLS?"
    return f"the connection was closed ({type(error).__name__}){hint}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, then the errors that caused it."""
    behind: BaseException | None = error
    while behind is not None:
        yield behind
        behind = behind.__cause__ or behind.__context__
