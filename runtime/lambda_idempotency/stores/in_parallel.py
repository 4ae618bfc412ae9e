"""Two requests at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context

from ..protocol.record import Reply
from .base import ReplyOrError, attempted


def in_parallel(
    first: Callable[[], Reply], second: Callable[[], Reply]
) -> tuple[ReplyOrError, ReplyOrError]:
    """The reply of each, or what it raised. `first` runs in a thread that sees this context."""
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
