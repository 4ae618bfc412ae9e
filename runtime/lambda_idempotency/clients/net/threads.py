"""Threads for work that blocks and knows no deadline.

No executor: the user's own jobs may hold its workers, and the interpreter's end would wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

Work: TypeAlias = Callable[[], Any]
Tell: TypeAlias = Callable[[list[Any], BaseException | None], None]
"""A function that takes the result, alone in a list, or the error."""

Start: TypeAlias = Callable[[Work, Tell], None]
"""Runs a function in a thread, which then tells what came of it. Raises `RuntimeError` if there can
be no more threads."""


def start(work: Work, tell: Tell) -> None:
    """Run a function in a new thread, as `Start` does."""
    threading.Thread(target=_run, args=(work, tell), daemon=True).start()


class Threads:
    """Threads that wait for the next work when they have done one: to begin a thread takes longer
    than many a request. They belong to one process.
    """

    def __init__(self) -> None:
        self._idle: list[_Worker] = []

    def start(self, work: Work, tell: Tell) -> None:
        """Run a function in an idle thread, or in a new one, as `Start` does."""
        try:
            worker = self._idle.pop()
        except IndexError:  # another thread may have taken the last one at any moment
            worker = _Worker(self._idle)
        worker.begin(work, tell)


class _Worker:
    """A thread that does one work after another, and is idle in between."""

    __slots__ = ("_given", "_idle", "_next")

    def __init__(self, idle: list[_Worker]) -> None:
        self._idle = idle
        self._next: tuple[Work, Tell] | None = None
        self._given = threading.Lock()
        self._given.acquire()
        threading.Thread(target=self._serve, daemon=True).start()

    def begin(self, work: Work, tell: Tell) -> None:
        self._next = work, tell
        self._given.release()

    def _serve(self) -> None:
        while True:
            self._given.acquire()
            assert self._next is not None
            (work, tell), self._next = self._next, None
            _run(work, tell, self._end)
            del work, tell  # an idle thread holds nobody's result

    def _end(self) -> None:
        self._idle.append(self)


def _run(work: Work, tell: Tell, ended: Callable[[], None] = lambda: None) -> None:
    found: list[Any] = []
    error: BaseException | None = None
    try:
        found.append(work())
    except BaseException as caught:  # noqa: BLE001 - raised where the result is awaited
        error = caught
    ended()  # before its caller goes on, who may have more to do
    tell(found, error)
