"""The ways to wait: by blocking the thread (`BLOCKING`, here), on an event loop (`aio`), or for
several at once in one thread (`together`).

All clients are written once, as coroutines over `Waits`. With `BLOCKING` such a coroutine never
suspends, so `run` takes it to its end in one step, and no event loop is needed, nor its import.
Sockets do not block in either form; they belong to no loop and can change between both.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, TypeVar

from .deadline import Deadline
from .threads import Start, start

T = TypeVar("T")

READABLE: Final = select.POLLIN
WRITABLE: Final = select.POLLOUT


class Waits(Protocol):
    """A way to wait. No wait passes its deadline."""

    async def ready(self, file: int, event: int, deadline: Deadline) -> None:
        """Wait until a socket is READABLE or WRITABLE; one that has failed is both. Raises
        `TimeoutError`."""
        ...

    async def first_writable(self, files: Sequence[int], deadline: Deadline) -> list[int]:
        """Wait until some of these sockets are writable, and return their numbers. Raises
        `TimeoutError`."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Pause. The caller has seen to it that the deadline comes later."""
        ...

    async def acquire(self, lock: threading.Lock, deadline: Deadline) -> bool:
        """Acquire a lock. Tell whether it was free in time."""
        ...

    async def in_thread(
        self, work: Callable[[], T], deadline: Deadline, begin: Start | None = None
    ) -> T:
        """Return what a function returns that blocks and knows no deadline. Raises what it raises,
        and `TimeoutError`.

        It runs in a thread of its own, or in one that `begin` finds, which is left behind if it is
        too slow: no executor, whose workers the user's own jobs may hold, and which the
        interpreter's end would wait for.
        """
        ...


class WithThreads:
    """Ways to wait that look at locks."""

    async def acquire(self, lock: threading.Lock, deadline: Deadline) -> bool:
        """Acquire a lock, as in `Waits`."""
        raise NotImplementedError

    async def in_thread(
        self, work: Callable[[], T], deadline: Deadline, begin: Start | None = None
    ) -> T:
        ended: list[tuple[list[T], BaseException | None]] = []
        done = threading.Lock()

        def tell(found: list[T], error: BaseException | None) -> None:
            ended.append((found, error))
            done.release()

        done.acquire()
        try:
            (start if begin is None else begin)(work, tell)
        except RuntimeError:  # there can be no more threads
            return work()
        if not await self.acquire(done, deadline):
            raise TimeoutError("timed out")
        found, error = ended[0]
        if error is not None:
            raise error
        return found[0]


class Blocking(WithThreads):
    """Waits by blocking the thread."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    async def ready(self, file: int, event: int, deadline: Deadline) -> None:
        poll = select.poll()
        poll.register(file, event)
        if not poll.poll(deadline.require() * 1000):
            raise TimeoutError("timed out")

    async def first_writable(self, files: Sequence[int], deadline: Deadline) -> list[int]:
        poll = select.poll()
        for file in files:
            poll.register(file, WRITABLE)
        if found := poll.poll(deadline.require() * 1000):
            return [file for file, _ in found]
        raise TimeoutError("timed out")

    async def sleep(self, seconds: float) -> None:
        self._sleep(seconds)

    async def acquire(self, lock: threading.Lock, deadline: Deadline) -> bool:
        return lock.acquire(timeout=min(max(deadline.left(), 0), threading.TIMEOUT_MAX))


BLOCKING: Final[Waits] = Blocking()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that waits with `Blocking`."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("the coroutine waits on an event loop")
