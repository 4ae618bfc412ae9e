"""Clients and stores that users bring: they know no deadline, and block."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Final, TypeVar

from . import elapsed
from .deadline import current, of_exchange
from .elapsed import Moment
from .threads import Threads
from .waiting import BLOCKING, Waits

T = TypeVar("T")

OPEN_S: Final = 10.0
"""Seconds since its last answer in which a client has an open connection, and resolves no name."""

MOST: Final = 64
"""The most requests under way. A peer that never answers must not take one thread after another."""


class Brought:
    """The requests of one of them, in threads that are left behind when a call's time is over.

    `renew` closes its idle connections: a fork's child must use none. `longest_s` is the
    most seconds that a request takes over an open connection, or to find that it is none. Where a
    call has as many left, and no other request is under way, it needs no thread.
    """

    def __init__(
        self, renew: Callable[[], object] = lambda: None, *, longest_s: float = math.inf
    ) -> None:
        self._renew = renew
        self._longest_s = longest_s
        self._answered: Moment | None = None
        self._process = os.getpid()
        self._open: list[None] = []
        self._threads = Threads()

    async def ask(self, request: Callable[[], T], waits: Waits) -> T:
        """Return what a request returns, within the call's deadline. Raises what it raises, and
        `TimeoutError`: then it may have taken effect, or still take it."""
        if self._process != (process := os.getpid()):
            self._renew()  # first: another thread must not ask before that is done
            self._answered = None
            self._open, self._threads, self._process = [], Threads(), process
        deadline = of_exchange(current(threading.TIMEOUT_MAX))
        left = deadline.require()
        if waits is BLOCKING and self._is_short(left):
            return self._at_once(request)
        if len(self._open) >= MOST:
            raise TimeoutError(f"{MOST} requests are unanswered")
        asked = self._open
        asked.append(None)  # before its thread begins: the next one may ask sooner
        work = partial(copy_context().run, self._counted, request, asked)
        return await waits.in_thread(work, deadline, self._threads.start)

    def _is_short(self, left: float) -> bool:
        """Tell whether a request ends within the seconds left. One beside another may have to wait
        for it, even forever: a signal handler's, for what the handler has interrupted."""
        answered = self._answered
        is_open = answered is not None and elapsed.seconds(answered) < OPEN_S
        return is_open and not self._open and left > self._longest_s

    def _at_once(self, request: Callable[[], T]) -> T:
        asked = self._open
        asked.append(None)
        try:
            return self._counted(request, asked)
        except BaseException:
            self._renew()  # a signal handler may have raised between a request and its answer
            raise

    def _counted(self, request: Callable[[], T], asked: list[None]) -> T:
        answered = None
        try:
            found = request()
            answered = elapsed.now()
            return found
        finally:
            asked.pop()
            self._answered = answered
