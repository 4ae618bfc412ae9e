"""Running async handlers: Lambda does not await them, so each has its own event loop, one for each
thread that calls it.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import threading
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from ..drivers import aio
from ..errors import ConfigurationError
from ..identity.keys import Identity
from ..protocol.steps import Outcome, Reconcile, Run
from .attempt import run_as_async, unprotected
from .call import ActiveCall, UnprotectedCall
from .operation import Operation
from .target import Target

if TYPE_CHECKING:
    from ..protocol.batch import Batch
    from ..stores.base import Store

T = TypeVar("T")


class LoopRunner:
    """Runs a handler's calls, and the requests for their records, on one loop of each thread."""

    def __init__(self) -> None:
        self._local = threading.local()

    def call(self, operation: Operation, identity: Identity, target: Target) -> Outcome:
        """Run a call to its outcome."""
        return self._on_loop(lambda: operation.call_async(identity, target))

    def run_unprotected(self, target: Target) -> Any:
        """Run the handler without a record."""
        attempt = unprotected(is_async=True)
        return target.finished(self._on_loop(lambda: run_as_async(attempt, target.run)))

    def run_batch(self, batch: Batch, store: Store) -> None:
        """Run a batch to its end, in one run of the loop."""
        self._on_loop(lambda: aio.drive_batch(batch, store=store))

    def code_of(self, call: ActiveCall | UnprotectedCall) -> Callable[[Run | Reconcile], Any]:
        """Return the function that runs the user's code and is awaited."""
        return call.run_async

    def _on_loop(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if _in_event_loop():
            raise ConfigurationError(
                "@idempotent: an async handler was called inside an event loop, which would wait "
                "for itself. The decorated handler is synchronous, as Lambda needs it; for a "
                "function that async code awaits, use @idempotent_function."
            )
        loop = self._loop().runner.get_loop()
        # `Runner.run` would install a handler of SIGINT each time, and take it off.
        task = loop.create_task(main(), context=copy_context())
        try:
            return loop.run_until_complete(task)
        except BaseException as error:
            if task.done():
                raise
            return _ended(loop, task, error)

    def _loop(self) -> _ThreadLoop:
        loop: _ThreadLoop | None = getattr(self._local, "loop", None)
        if loop is None or loop.pid != os.getpid():
            loop = self._local.loop = _ThreadLoop()
        return loop


class _ThreadLoop:
    """A loop of one thread and process, closed when the thread or the handler is gone."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.runner = asyncio.Runner(loop_factory=_new_loop)
        weakref.finalize(self, _close, self.runner, self.pid)


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return a loop as asyncio makes it, but never on an epoll object: a fork's child shares that,
    and takes the parent's sockets off it when it closes or collects its copy of the loop."""
    loop = asyncio.new_event_loop()
    if type(loop) is asyncio.SelectorEventLoop and hasattr(selectors, "EpollSelector"):
        loop.close()
        loop = asyncio.SelectorEventLoop(selectors.PollSelector())
    return loop


def _ended(loop: asyncio.AbstractEventLoop, task: asyncio.Task[T], error: BaseException) -> T:
    """Cancel a task under which a signal handler has raised in the event loop: it must not go on in
    the next invocation. Return its result if it has one, else raise the error."""
    task.cancel(error)
    with suppress(BaseException):
        return loop.run_until_complete(task)
    raise error


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _close(runner: asyncio.Runner, pid: int) -> None:
    if pid != os.getpid():  # a fork's child has none of the threads that closing waits for
        return
    loop = runner.get_loop()
    if _in_event_loop():  # the handler was garbage-collected while another loop runs
        loop.close()
    elif not loop.is_closed():
        with suppress(RuntimeError):  # at interpreter exit, threads can no longer be awaited
            runner.close()
