"""Two requests at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context

from ..protocol.record import Reply


def in_parallel(
    first: Callable[[], Reply], second: Callable[[], Reply]
) -> tuple[Reply | Exception, Reply | Exception]:
    """The reply of each, or what it raised. `first` runs in a thread that sees this context."""
    found: list[Reply | Exception] = []
    thread = threading.Thread(
        target=copy_context().run, args=(lambda: found.append(_caught(first)),)
    )
    try:
        thread.start()
    except RuntimeError:  # there can be no more threads
        return _caught(first), _caught(second)
    try:
        reply = _caught(second)
    finally:
        thread.join()
    return found[0], reply


def _caught(send: Callable[[], Reply]) -> Reply | Exception:
    try:
        return send()
    except Exception as error:  # noqa: BLE001 - it is an answer, of one of two
        return error
