"""What all clients do. They follow changes while they run:

- The server refuses the password: the client reads it again, once a call, and resends the commands.
- No connection, or a replica in the primary's place: the client reads the settings again, once a
  call, and resends the commands until the call's time ends.
- The server answers with any other error: that is its reply.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ...contract.redis import RedisSettings
from ...errors import ConfigurationError, StoreError
from ...tuples import NamedTuple
from ..net import deadline
from ..net.deadline import Deadline
from ..net.process import ProcessLock
from ..net.renewing import PATIENCE_S
from ..net.retry import Backoff
from ..net.waiting import BLOCKING, Blocking, Waits, run
from .cluster import Cluster
from .credentials import LoadedCredentials, Login
from .errors import FAILURES, RefusedError, code_of, is_passing, is_refusal, reason_of
from .node import Node
from .resp import Command, Reply, ReplyError
from .slots import Address

if TYPE_CHECKING:
    import ssl

BUDGET_S: Final = 5.0
"""Seconds for commands with all their retries, or what the call has left if that is less."""


class _Access(NamedTuple):
    """A server, as one version of its settings describes it."""

    settings: RedisSettings
    credentials: LoadedCredentials | None
    server: Node | Cluster

    def forget(self, login: Login) -> None:
        """Forget a refused password; `close` ends the connections that were opened with it."""
        assert self.credentials is not None
        self.credentials.refused(login)


class Client(ABC):
    """Sends commands to the server that some settings describe. Thread-safe.

    `name` tells its records from those of others, `label` is shorter. `place` says where the
    settings are, for errors.
    """

    def __init__(
        self, *, name: str, label: str, place: str, sleep: Callable[[float], None] | None = None
    ) -> None:
        self.name = name
        self.label = label
        self.place = place
        self._blocking = BLOCKING if sleep is None else Blocking(sleep)
        self._lock = ProcessLock()
        self._access: _Access | None = None

    @abstractmethod
    async def settings(self, waits: Waits, ends: Deadline) -> RedisSettings:
        """Return the settings as they are now. Raises `ConfigurationError` or `StoreError`."""

    @abstractmethod
    def credentials(self, settings: RedisSettings) -> LoadedCredentials | None:
        """Return the credentials that the settings name, or None if they name none."""

    def execute_all(self, commands: Sequence[Command]) -> list[Reply]:
        """Send commands together and return their replies; a `ReplyError` stands where the server
        answered with an error.

        Raises `ConfigurationError` or `StoreError`. Then any of them may have taken effect.
        """
        return run(self.ask(commands, BLOCKING))

    def execute_command(self, *command: Any) -> Any:
        """Send a command and return its reply. Raises as `execute_all`, and `ReplyError`."""
        [reply] = self.execute_all([command])
        if isinstance(reply, ReplyError):
            raise reply
        return reply

    async def ask(self, commands: Sequence[Command], waits: Waits) -> list[Reply]:
        """Send commands as `execute_all` does, and wait as `waits` does."""
        if waits is BLOCKING:
            waits = self._blocking
        ends = deadline.current(BUDGET_S)
        backoff: Backoff | None = None
        may_renew = may_relocate = True
        while True:
            access = self._access or await self._looked_up(None, waits, ends)
            try:
                return await self._send(access, commands, waits, ends)
            except FAILURES as error:
                refused = error.login if isinstance(error, RefusedError) else None
                is_final = refused is not None or is_refusal(error)
                failure = self._failure(access, error, is_refusal=is_final)
            # Raised outside of the `except`, so that no traceback leads to the server's error.
            access.server.close()
            if refused is not None and may_renew:
                may_renew = False
                access.forget(refused)
                continue
            if may_relocate:
                may_relocate = False
                if await self._has_moved(access, waits, ends):
                    continue
            backoff = backoff or Backoff()
            if is_final or not await backoff.pause(waits, ends):
                raise failure

    def close(self) -> None:
        """Close the idle connections; the next command opens new ones."""
        if self._access is not None:
            self._access.server.close()

    async def _send(
        self, access: _Access, commands: Sequence[Command], waits: Waits, ends: Deadline
    ) -> list[Reply]:
        """Send once. Raises one of `FAILURES`: also a reply that a pause may change."""
        credentials = access.credentials
        if credentials is not None and credentials.known is None:
            await credentials.current(waits, ends)  # before the time of the first try begins
        try:
            replies = await access.server.execute(commands, waits, ends)
        finally:
            if self._access is not access:
                access.server.close()  # it has been replaced meanwhile
        for reply in replies:
            if isinstance(reply, ReplyError) and (is_passing(reply) or is_refusal(reply)):
                raise reply
        return replies

    async def _has_moved(self, access: _Access, waits: Waits, ends: Deadline) -> bool:
        """Tell whether the settings have changed since; if they have, use the new ones."""
        try:
            return await self._looked_up(access, waits, ends) is not access
        except (ConfigurationError, StoreError):
            return False

    async def _looked_up(self, known: _Access | None, waits: Waits, ends: Deadline) -> _Access:
        """Return the server that the settings describe now: `known`, if they have not changed.

        Raises `ConfigurationError` or `StoreError`.
        """
        lock = self._lock.get()
        # Not forever: the other one may be this thread, which a signal has interrupted. To load
        # the settings twice does no harm.
        mine = await waits.acquire(lock, ends.within(PATIENCE_S))
        try:
            access = self._access
            if access is None or access is known:
                settings = await self.settings(waits, ends)
                if access is None or access.settings != settings:
                    access = self._access = self._connect(settings)
            return access
        finally:
            if mine:
                lock.release()

    def _connect(self, settings: RedisSettings) -> _Access:
        credentials = self.credentials(settings)
        try:
            context = _context(settings) if settings.tls else None
        except ValueError as error:
            raise ConfigurationError(f"{self.place}: {error}") from None

        def node(address: Address) -> Node:
            return Node(
                address, credentials=credentials, context=context, database=settings.database
            )

        seed = Address(settings.host, settings.port)
        server = Cluster(seed, node) if settings.cluster else node(seed)
        return _Access(settings, credentials, server)

    def _failure(self, access: _Access, error: Exception, *, is_refusal: bool) -> StoreError:
        settings = access.settings
        where = f"Redis at {settings.host}:{settings.port} ({self.place})"
        if not is_refusal:
            why = f"{where} cannot be used: {reason_of(error, settings)}"
        elif access.credentials is None:
            why = f"{where} asks for a password, and the settings name none"
        else:
            why = (
                f"{where} refuses the credentials from {access.credentials.place}. Are the user "
                "and this password set on every node?"
            )
        return StoreError(why, code=code_of(error), host=f"{settings.host}:{settings.port}")


def _context(settings: RedisSettings) -> Callable[[], ssl.SSLContext]:
    """Return what returns the TLS context of these settings. Raises ValueError for a wrong `ca`."""
    import ssl

    try:
        context = ssl.create_default_context(cadata=settings.ca)
    except (ssl.SSLError, ValueError):
        raise ValueError("ca is not as expected: the PEM text of certificates") from None
    return lambda: context
