"""Waiting on the running event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from .deadline import Deadline
from .threads import Start, start
from .waiting import READABLE, WRITABLE, Waits

T = TypeVar("T")

POLL_S: Final = 0.005
"""Seconds between two looks at a lock: a thread that releases one knows of no loop."""


class AsyncioWaits:
    """Waits without holding up the loop. It has no state: any loop may use it."""

    async def ready(self, file: int, event: int, deadline: Deadline) -> None:
        await _first((file,), event, deadline)

    async def first_writable(self, files: Sequence[int], deadline: Deadline) -> list[int]:
        return await _first(files, WRITABLE, deadline)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def acquire(self, lock: threading.Lock, deadline: Deadline) -> bool:
        while not lock.acquire(blocking=False):
            if (left := deadline.left()) <= 0:
                return False
            await asyncio.sleep(min(POLL_S, left))
        return True

    async def in_thread(
        self, work: Callable[[], T], deadline: Deadline, begin: Start | None = None
    ) -> T:
        left = min(deadline.require(), threading.TIMEOUT_MAX)
        return await asyncio.wait_for(threaded(work, begin), left)


AIO: Final[Waits] = AsyncioWaits()


def threaded(work: Callable[[], T], begin: Start | None = None) -> asyncio.Future[T]:
    """Run a function that blocks in a thread of its own, as `Waits.in_thread` does, and return its
    result, which is to come."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(found: list[T], error: BaseException | None) -> None:
        if result.done():
            return  # cancelled
        if error is None:
            result.set_result(found[0])
        else:
            result.set_exception(error)

    def tell(found: list[T], error: BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(settle, found, error)

    (start if begin is None else begin)(work, tell)
    return result


async def _first(files: Sequence[int], event: int, deadline: Deadline) -> list[int]:
    left = deadline.require()
    loop = asyncio.get_running_loop()
    watch, unwatch = (
        (loop.add_reader, loop.remove_reader)
        if event == READABLE
        else (loop.add_writer, loop.remove_writer)
    )
    woken: asyncio.Future[None] = loop.create_future()
    found: list[int] = []

    def wake(file: int | None = None) -> None:
        if file is not None:
            found.append(file)
            unwatch(file)
        if not woken.done():
            woken.set_result(None)

    timer = loop.call_later(left, wake)
    try:
        for file in files:
            watch(file, wake, file)
        await woken
    finally:
        timer.cancel()
        for file in files:
            unwatch(file)
    if not found:
        raise TimeoutError("timed out")
    return found
