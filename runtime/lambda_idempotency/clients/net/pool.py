"""The open connections to one place: used again, checked before, and never across a fork."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from .connection import Connection
from .deadline import Deadline, of_exchange
from .waiting import Waits

MAX_IDLE_S: Final = 55.0
"""Seconds after which an unused connection is no longer trusted: routers drop it silently."""


class Pool:
    """Keeps connections. Thread-safe: one caller at a time uses each.

    `open` returns a new connection, for instance a `Dialer`'s, or one that has also said who it is.
    """

    def __init__(
        self,
        open: Callable[[Waits, Deadline], Awaitable[Connection]],  # noqa: A002 - its term
        *,
        max_idle_s: float = MAX_IDLE_S,
        max_age_s: float | None = None,
    ) -> None:
        self._open = open
        self._max_idle_s = max_idle_s
        self._max_age_s = max_age_s
        self._idle: list[Connection] = []

    async def take(self, waits: Waits, deadline: Deadline) -> Connection:
        """Return a connection, `reused` or new. Give it back after a whole exchange; after any
        other, close it. Raises what `open` raises."""
        while (connection := self._pop()) is not None:
            ends = of_exchange(deadline)
            # For what is too late to open another one, an old connection is better than none.
            is_fresh = ends is not deadline or connection.fresh.left() > 0
            # Another process's, too old, or ended by the peer, perhaps while this one was frozen:
            if connection.is_own and is_fresh and connection.is_silent():
                connection.reused = True
                connection.lend(waits, ends)
                return connection
            connection.close()
        connection = await self._open(waits, deadline)
        if self._max_age_s is not None:
            connection.ends = Deadline(self._max_age_s)
        return connection

    def give(self, connection: Connection) -> None:
        """Take back a connection on which nothing is under way."""
        ends, idle_s = connection.ends, self._max_idle_s
        connection.fresh = Deadline(idle_s) if ends is None else ends.within(idle_s)
        self._idle.append(connection)
        with suppress(IndexError):  # another thread may have taken the last one
            # Those at the bottom are taken last.
            while (oldest := self._idle[0]) is not connection and oldest.fresh.left() <= 0:
                self._idle.pop(0).close()

    def close(self) -> None:
        """Close the idle connections; the next caller opens new ones."""
        while (connection := self._pop()) is not None:
            connection.close()

    def _pop(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:  # another thread may have taken the last one at any moment
            return None
