"""The time that the running call has left, for the code that waits on its behalf."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_ENDS: Final[ContextVar[float]] = ContextVar("lambda_idempotency.deadline")


def start(milliseconds: int) -> Token[float]:
    """Set how much time is left from now on. Return the token that `end` takes."""
    return _ENDS.set(time.monotonic() + milliseconds / 1000)


def limited(function: Callable[[T], R], left: Callable[[], int]) -> Callable[[T], R]:
    """Return the function, limited to the milliseconds that are `left` when it is called."""

    def called(argument: T) -> R:
        token = start(left())
        try:
            return function(argument)
        finally:
            end(token)

    return called


def end(token: Token[float]) -> None:
    """Undo the `start` that returned this token."""
    _ENDS.reset(token)


def monotonic(at_most: float) -> float:
    """Return the deadline, as `time.monotonic()`: the call's end, or `at_most` seconds from now."""
    latest = time.monotonic() + at_most
    return min(latest, _ENDS.get(latest))
