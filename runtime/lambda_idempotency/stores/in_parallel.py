"""Two requests at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

from ..protocol.record import Reply
from .base import ReplyOrError, attempted


def in_parallel(
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


async def gathered(
    first: Coroutine[Any, Any, Reply], second: Coroutine[Any, Any, Reply]
) -> tuple[ReplyOrError, ReplyOrError]:
    """Return the reply or exception of each, which run beside one another on the event loop."""
    import asyncio

    found = await asyncio.gather(first, second, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException) and not isinstance(each, Exception):
            raise each
    completed, claimed = found
    return completed, claimed  # type: ignore[return-value]  # checked above
