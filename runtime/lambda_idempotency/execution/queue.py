"""The order of an attempt's recovery points: threads and tasks queue, one goes on at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from typing import Final

_A_TASK: Final = 0
"""Stands for a holder that is no thread, which no signal handler can interrupt."""


class Queue:
    """A lock for threads and for tasks of an event loop. A signal handler that interrupts the
    thread which holds it goes on at once: it could wait forever."""

    __slots__ = ("_changing", "_holder", "_waiting")

    def __init__(self) -> None:
        self._changing = threading.RLock()
        self._holder: int | None = None
        self._waiting: deque[Future[None]] = deque()

    @property
    def is_free(self) -> bool:
        """True while nobody holds it."""
        return self._holder is None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait in this thread for its turn, and hold it."""
        me = threading.get_ident()
        if self._holder == me:
            yield
            return
        if (turn := self._enter(me)) is not None:
            turn.result()
            self._holder = me
        try:
            yield
        finally:
            self._leave()

    @asynccontextmanager
    async def turn_async(self) -> AsyncIterator[None]:
        """Wait in this task for its turn, and hold it."""
        import asyncio  # only async handlers pay for it

        if (turn := self._enter(_A_TASK)) is not None:
            try:
                await asyncio.wrap_future(turn)
            except asyncio.CancelledError:
                if not turn.cancelled():
                    self._leave()  # the turn had come
                raise
        try:
            yield
        finally:
            self._leave()

    def _enter(self, holder: int) -> Future[None] | None:
        with self._changing:
            if self._holder is None:
                self._holder = holder
                return None
            turn: Future[None] = Future()
            self._waiting.append(turn)
            return turn

    def _leave(self) -> None:
        with self._changing:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    self._holder = _A_TASK
                    turn.set_result(None)
                    return
            self._holder = None
