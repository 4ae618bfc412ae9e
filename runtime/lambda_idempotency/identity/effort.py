"""A limit on the time that reading one payload may take.

A hostile message of 1 MB keeps a small function busy for seconds. What walks through a payload
value by value in Python asks `check` on its way; what C code does takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic as _now
from typing import Any, Final, TypeVar

from .refusals import UnusableError

R = TypeVar("R")

_ENDS: Final[ContextVar[float | None]] = ContextVar("lambda_idempotency.effort", default=None)


class TooLongError(UnusableError):
    """Reading takes longer than it may."""


@contextmanager
def limited(milliseconds: float | None) -> Iterator[None]:
    """Limit what is read in a `with` block. None: no limit."""
    ends = None if milliseconds is None else _now() + milliseconds / 1000
    token = _ENDS.set(ends)
    try:
        yield
    finally:
        _ENDS.reset(token)


def is_limited() -> bool:
    """Tell whether there is a limit."""
    return _ENDS.get() is not None


def check() -> None:
    """Raise `TooLongError` when the time is over."""
    ends = _ENDS.get()
    if ends is not None and _now() > ends:
        raise TooLongError("reading it takes too long for the time that the invocation has left")


def checked(function: Callable[[Any], R]) -> Callable[[Any], R]:
    """Return the function, with a check at each of its calls if there is a limit."""
    if not is_limited():
        return function

    def called(argument: Any) -> R:
        check()
        return function(argument)

    return called
