"""The open connections to one place: used again, checked before, and never across a fork."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from . import elapsed
from .connection import Connection
from .deadline import Deadline, of_exchange
from .elapsed import Moment
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
        now = elapsed.now()
        while (connection := self._pop()) is not None:
            ends = of_exchange(deadline)
            # For what is too late to open another one, an old connection is better than none.
            is_fresh = ends is not deadline or self._is_fresh(connection, now)
            # Another process's, too old, or ended by the peer, perhaps while this one was frozen:
            if connection.is_own and is_fresh and connection.is_silent():
                connection.reused, connection.used = True, now
                connection.lend(waits, ends)
                if self._idle:
                    self._close_old(now)
                return connection
            connection.close()
        return await self._open(waits, deadline)

    def give(self, connection: Connection) -> None:
        """Take back a connection on which nothing is under way."""
        self._idle.append(connection)

    def _is_fresh(self, connection: Connection, now: Moment) -> bool:
        """Tell whether a connection has been used lately, and is not too old."""
        steady, wall = now  # each call asks this, so nothing else is called
        used_steady, used_wall = connection.used
        idle_s, age_s = self._max_idle_s, self._max_age_s
        if steady - used_steady >= idle_s or wall - used_wall >= idle_s:
            return False
        return age_s is None or elapsed.seconds(connection.opened, now) < age_s

    def _close_old(self, now: Moment) -> None:
        """Close connections that nobody has taken for too long: those at the bottom are taken
        last."""
        with suppress(IndexError):  # another thread may have taken the last one
            while not self._is_fresh(self._idle[0], now):
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
