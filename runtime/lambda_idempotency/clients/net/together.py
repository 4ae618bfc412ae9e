"""Waiting for several coroutines at once, from one thread and without an event loop.

With `SHARED` a coroutine tells what it waits for, and `together` waits for all of them with one
`poll`: two exchanges take the time of the longer one, and no thread.
"""

from __future__ import annotations

import math
import select
import threading
from collections.abc import Coroutine, Generator, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from ...tuples import NamedTuple
from .deadline import Deadline
from .waiting import WRITABLE, Waits, WithThreads

T = TypeVar("T")

LOOK_S: Final = 0.005
"""Seconds between two looks at a lock that another thread holds."""


class _Wait(NamedTuple):
    """What a coroutine waits for: one of these sockets, or the deadline."""

    files: Sequence[int]
    event: int
    deadline: Deadline

    def __await__(self) -> Generator[_Wait, list[int], list[int]]:
        return (yield self)


class _Shared(WithThreads):
    """Waits as `together` does for several coroutines. It has no state."""

    async def ready(self, file: int, event: int, deadline: Deadline) -> None:
        await self._first((file,), event, deadline)

    async def first_writable(self, files: Sequence[int], deadline: Deadline) -> list[int]:
        return await self._first(files, WRITABLE, deadline)

    async def sleep(self, seconds: float) -> None:
        await _Wait((), 0, Deadline(seconds))

    async def acquire(self, lock: threading.Lock, deadline: Deadline) -> bool:
        while not lock.acquire(blocking=False):  # the other coroutine may have it
            if (left := deadline.left()) <= 0:
                return False
            await self.sleep(min(LOOK_S, left))
        return True

    async def _first(self, files: Sequence[int], event: int, deadline: Deadline) -> list[int]:
        deadline.require()
        if found := await _Wait(files, event, deadline):
            return found
        raise TimeoutError("timed out")


SHARED: Final[Waits] = _Shared()

_Running: TypeAlias = dict[int, tuple[Coroutine[Any, Any, T], _Wait]]
"""Coroutines by their numbers, and what they wait for."""


def together(*coroutines: Coroutine[Any, Any, T]) -> list[T | Exception]:
    """Return what each coroutine returns or raises; they wait with `SHARED`.

    What a signal handler raises ends all of them.
    """
    ended: dict[int, T | Exception] = {}
    running: _Running[T] = {}
    try:
        for number, coroutine in enumerate(coroutines):
            _go_on(number, coroutine, None, running, ended)
        while running:
            ready = _polled([wait for _, wait in running.values()])
            for number, (coroutine, wait) in list(running.items()):
                found = [file for file in wait.files if file in ready]
                if found or wait.deadline.left() <= 0:
                    _go_on(number, coroutine, found, running, ended)
    finally:
        for coroutine in coroutines:
            coroutine.close()
    return [ended[number] for number in range(len(coroutines))]


def _go_on(
    number: int,
    coroutine: Coroutine[Any, Any, T],
    found: list[int] | None,
    running: _Running[T],
    ended: dict[int, T | Exception],
) -> None:
    """Let a coroutine go on to its next wait, or to its end."""
    try:
        running[number] = coroutine, coroutine.send(found)
    except StopIteration as end:
        ended[number] = end.value
    except Exception as error:  # noqa: BLE001 - it is the answer, to one of the coroutines
        ended[number] = error
    if number in ended:
        running.pop(number, None)


def _polled(waits: Sequence[_Wait]) -> set[int]:
    """Return the sockets that are ready, at the latest when the first deadline has come."""
    poll = select.poll()
    for wait in waits:
        for file in wait.files:
            poll.register(file, wait.event)
    left = max(0.0, min(wait.deadline.left() for wait in waits))
    return {file for file, _ in poll.poll(math.ceil(left * 1000))}
