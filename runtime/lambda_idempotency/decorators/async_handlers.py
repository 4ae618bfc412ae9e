"""Async handlers: Lambda does not await them, so each has an event loop of its own."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from typing import Any, TypeVar

from ..errors import ConfigurationError
from ..execution.attempt import Attempt, Running
from ..execution.operation import Operation, with_writes
from ..execution.orphans import reconciled_async
from ..identity.keys import Identity
from ..protocol.steps import Outcome, Reconcile, Returned, Run
from .handlers import ToStored, time_left_of

T = TypeVar("T")


class AsyncHandler:
    """A handler whose calls, with all that their records need, run on one long-lived loop."""

    def __init__(self, function: Callable[[Any, Any], Awaitable[Any]]) -> None:
        self._function = function
        self._runner = asyncio.Runner()
        weakref.finalize(self, _close, self._runner)

    def run_as(self, attempt: Attempt, event: Any, context: Any) -> Any:
        """See `Runnable.run_as`."""
        return self.on_loop(lambda: self.await_as(attempt, event, context))

    def run_once(
        self,
        operation: Operation,
        identity: Identity,
        event: Any,
        context: Any,
        *,
        scope: str | None,
        to_stored: ToStored,
    ) -> Outcome:
        """See `Runnable.run_once`."""

        async def run(step: Run | Reconcile) -> Returned | None:
            attempt = operation.attempt(identity.key, step)
            if isinstance(step, Run):
                result = await self.await_as(attempt, event, context)
            else:
                assert operation.on_orphan is not None
                with Running(attempt, time_left_of(context)):
                    found = await reconciled_async(operation.on_orphan(event))
                if found is None:
                    return None
                result = found.response
            return with_writes(to_stored(result), attempt)

        left = time_left_of(context)
        return self.on_loop(lambda: operation.run_once_async(identity, left, run, scope=scope))

    async def await_as(self, attempt: Attempt, event: Any, context: Any) -> Any:
        """Runs it as an attempt."""
        with Running(attempt, time_left_of(context)):
            return await self._function(event, context)

    def on_loop(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs a coroutine on the handler's loop."""
        if _in_event_loop():
            raise ConfigurationError(
                "@idempotent: an async handler was called inside an event loop, which would wait "
                "for itself. The handler is a synchronous callable, as Lambda wants it; what async "
                "code awaits, decorate with @idempotent_function."
            )
        return self._runner.run(main(), context=copy_context())


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _close(runner: asyncio.Runner) -> None:
    loop = runner.get_loop()
    if _in_event_loop():  # the handler was collected while other code runs another loop
        loop.close()
    elif not loop.is_closed():
        with suppress(RuntimeError):  # at the interpreter's end nothing can wait for its threads
            runner.close()
