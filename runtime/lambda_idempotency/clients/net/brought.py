"""Clients that users bring, boto3's and redis-py's, which know no deadline and block."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Final, TypeVar

from .deadline import current, of_exchange
from .threads import Threads
from .waiting import Waits

T = TypeVar("T")

MOST: Final = 64
"""The most requests under way. A peer that never answers must not take one thread after another."""


class Brought:
    """The requests of one such client, in threads that are left behind when a call's time is over.

    `renew` closes the client's connections, of which a fork's child must use none.
    """

    def __init__(self, renew: Callable[[], object] = lambda: None) -> None:
        self._renew = renew
        self._process = os.getpid()
        self._open: list[None] = []
        self._threads = Threads()

    async def ask(self, request: Callable[[], T], waits: Waits) -> T:
        """Return what a request returns, within the call's deadline. Raises what it raises, and
        `TimeoutError`: then it may have taken effect, or still take it."""
        if self._process != (process := os.getpid()):
            self._renew()  # first: another thread must not ask before that is done
            self._open, self._threads, self._process = [], Threads(), process
        deadline = of_exchange(current(threading.TIMEOUT_MAX))
        deadline.require()
        if len(self._open) >= MOST:
            raise TimeoutError(f"{MOST} requests of the client are unanswered")
        work = partial(copy_context().run, self._counted, request)
        return await waits.in_thread(work, deadline, self._threads.start)

    def _counted(self, request: Callable[[], T]) -> T:
        asked = self._open
        asked.append(None)
        try:
            return request()
        finally:
            asked.pop()
