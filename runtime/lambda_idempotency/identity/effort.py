"""A limit on the time that reading one payload may take.

A hostile message of 1 MB keeps a small function busy for seconds. What walks through a payload
value by value in Python asks `check` on its way; what C code does takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from time import monotonic as _now
from typing import Any, Final, TypeVar

from .refusals import UnusableError

R = TypeVar("R")

_ENDS: Final[ContextVar[float | None]] = ContextVar("lambda_idempotency.effort", default=None)


class TooLongError(UnusableError):
    """Reading takes longer than it may."""


class limited:  # noqa: N801 - it reads as what it does: `with effort.limited(left):`
    """Limit what is read in a `with` block, to some milliseconds. None: no limit."""

    __slots__ = ("_milliseconds", "_token")

    def __init__(self, milliseconds: float | None) -> None:
        self._milliseconds = milliseconds

    def __enter__(self) -> None:
        left = self._milliseconds
        self._token = _ENDS.set(None if left is None else _now() + left / 1000)

    def __exit__(self, *_: object) -> None:
        _ENDS.reset(self._token)


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
