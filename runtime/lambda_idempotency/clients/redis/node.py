"""One server, or one node of a cluster, and the connections to it.

Only one thing is retried here: an exchange on an old connection that turns out to be dead, as it
can be after a Lambda environment was frozen. To send a command twice is safe: claims, completions
and releases know their owner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from ..net.connection import Connection
from ..net.deadline import Deadline, of_exchange
from ..net.dial import Dialer
from ..net.pool import Pool
from ..net.secret import Secret
from ..net.waiting import Waits
from .credentials import LoadedCredentials, Login
from .errors import handshake_error
from .resp import Command, Replies, Reply, ReplyError, pack, pack_all, strings_of
from .slots import Address

if TYPE_CHECKING:
    import ssl

ATTEMPT_S: Final = 2.0
"""Seconds for an exchange, and again for connecting; less if the call has less left."""

MAX_AGE_S: Final = 11 * 3600.0
"""Seconds after which a connection is replaced by one that authenticates again. ElastiCache ends
the connections of IAM users after 12 hours
(https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html)."""


class Node:
    """A server that takes commands. Thread-safe."""

    def __init__(
        self,
        address: Address,
        *,
        credentials: LoadedCredentials | None = None,
        context: Callable[[], ssl.SSLContext] | None = None,
        database: int = 0,
    ) -> None:
        self.address = address
        self._credentials = credentials
        self._database = database
        self._dialer = Dialer(address.host, address.port, context=context)
        self._pool = Pool(self._open, max_age_s=MAX_AGE_S)

    async def execute(
        self, commands: Sequence[Command], waits: Waits, deadline: Deadline
    ) -> list[Reply]:
        """Send commands in one write and return their replies; an error stands in place of a reply.

        Raises `OSError`, `ResponseError`, what `handshake_error` returns, and what loading the
        credentials raises. Then any of the commands may have taken effect.
        """
        packed = pack_all(commands) if len(commands) > 1 else pack(commands[0])
        connection = await self._pool.take(waits, deadline)
        if connection.reused:
            try:
                return await self._exchange(connection, packed, len(commands), deadline)
            except OSError:
                self.close()  # the others are as old
            connection = await self._pool.take(waits, deadline)
        return await self._exchange(connection, packed, len(commands), deadline)

    def close(self) -> None:
        """Close the idle connections; the next command opens new ones."""
        self._pool.close()

    async def _exchange(
        self, connection: Connection, packed: bytes, count: int, deadline: Deadline
    ) -> list[Reply]:
        connection.deadline = of_exchange(deadline.within(ATTEMPT_S))
        replies = await _replies(connection, packed, count)
        self._pool.give(connection)
        return replies

    async def _open(self, waits: Waits, deadline: Deadline) -> Connection:
        """Return a new connection that is authenticated and set up."""
        credentials = self._credentials
        login = None if credentials is None else await credentials.current(waits, deadline)
        connection = await self._dialer.open(waits, deadline.within(ATTEMPT_S))
        if login is not None:
            await _set_up(connection, login.command(), login)
        if self._database:
            await _set_up(connection, pack(("SELECT", self._database)))
        return connection


async def _set_up(
    connection: Connection, command: Secret[bytes] | bytes, login: Login | None = None
) -> None:
    """Send a command that sets up a connection. Close the connection if it is refused."""
    [reply] = await _replies(connection, command, 1)
    if isinstance(reply, ReplyError):
        connection.close()
        raise handshake_error(reply, login)


async def _replies(
    connection: Connection, packed: Secret[bytes] | bytes, count: int
) -> list[Reply]:
    """Send commands and return their replies. Whatever cuts that short closes the connection: what
    comes of them later would be taken for the replies to others."""
    try:
        await connection.send(packed)
        received = await connection.receive()
        if count == 1 and (strings := strings_of(received)) is not None:
            return [strings]
        replies = Replies(count)
        while received:
            if replies.feed(received):
                return replies.values
            received = await connection.receive()
        raise ConnectionResetError("the server closed the connection")
    except BaseException:
        connection.close()
        raise
