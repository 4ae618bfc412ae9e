"""Threads for code that blocks and knows no deadline: stores and clients that users bring.

They are not an event loop's executor, which jobs of the user's may fill. A caller waits for its job
until the deadline and then leaves it behind; threads are daemons, so the interpreter's end does not
wait for them either.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import cache, partial
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from .deadline import current, of_exchange
from .waiting import BLOCKING, Waits

T = TypeVar("T")

MOST: Final = 64
"""The most threads. Further jobs wait for one, within their callers' deadlines."""

IDLE_S: Final = 10.0
"""Seconds after which a thread without a job ends."""


class Workers:
    """Threads of one process, started as they are needed. A fork's child starts its own.

    It has no lock, for which a signal handler could wait for ever: each change is one step of the
    interpreter.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle: list[None] = []
        """An entry for each thread that waits for a job which nobody has submitted yet."""
        self._threads: list[threading.Thread] = []

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Run a function in a thread that sees this context. Raises RuntimeError where there is no
        thread and none can be started."""
        if self._process != os.getpid():
            self._begin()
        job: Future[T] = Future()
        job.set_running_or_notify_cancel()  # nothing can recall it
        self._jobs.put(partial(_run, job, partial(copy_context().run, work)))
        try:
            self._idle.pop()
        except IndexError:
            self._start()
        return job

    def _start(self) -> None:
        if len(self._threads) >= MOST:
            return
        thread = threading.Thread(target=self._work, args=(self._jobs,), daemon=True)
        self._threads.append(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.remove(thread)
            if not self._threads:
                raise

    def _work(self, jobs: SimpleQueue[Callable[[], None]]) -> None:
        while True:
            try:
                job = jobs.get(timeout=IDLE_S)
            except Empty:
                try:
                    self._idle.pop()
                except IndexError:  # a job is on its way
                    continue
                self._threads.remove(threading.current_thread())
                return
            job()
            self._idle.append(None)


@cache
def workers() -> Workers:
    """Return the process's threads."""
    return Workers()


async def in_time(work: Callable[[], T], waits: Waits) -> T:
    """Return what a function returns, within the call's deadline. Raises what it raises, and
    `TimeoutError`: then it may have taken effect, or still take it."""
    deadline = of_exchange(current(threading.TIMEOUT_MAX))
    deadline.require()
    job = workers().submit(work)
    if waits is BLOCKING:
        return job.result(max(deadline.left(), 0))
    import asyncio

    return await asyncio.wait_for(asyncio.wrap_future(job), max(deadline.left(), 0))


def _run(job: Future[Any], work: Callable[[], Any]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - raised where the job is waited for
        job.set_exception(error)
    else:
        job.set_result(result)
