"""Two requests at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, TypeAlias

from ..clients.net.waiting import BLOCKING, Waits
from ..protocol.record import Reply
from .base import ReplyOrError, attempted

Asking: TypeAlias = Callable[[Waits], Coroutine[Any, Any, Reply]]


async def gathered(
    first: Asking, second: Asking, waits: Waits
) -> tuple[ReplyOrError, ReplyOrError]:
    """Return the reply or exception of each, which wait beside one another: on the event loop, or
    in this thread."""
    if waits is BLOCKING:
        from ..clients.net.together import SHARED, together

        completed, claimed = together(first(SHARED), second(SHARED))
        return completed, claimed
    import asyncio

    found = await asyncio.gather(first(waits), second(waits), return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException) and not isinstance(each, Exception):
            raise each
    return found  # type: ignore[return-value]  # checked above


def in_threads(
    first: Callable[[], Reply], second: Callable[[], Reply]
) -> tuple[ReplyOrError, ReplyOrError]:
    """Return the reply or exception of each. `first` runs in a thread that sees this context."""
    found: list[ReplyOrError] = []
    thread = threading.Thread(
        target=copy_context().run, args=(lambda: found.append(attempted(first)),)
    )
    try:
        thread.start()
    except RuntimeError:  # there can be no more threads
        return attempted(first), attempted(second)
    try:
        reply = attempted(second)
    finally:
        thread.join()
    return found[0], reply
