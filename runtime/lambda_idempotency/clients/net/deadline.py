"""The time that the running call has left, for the code that waits on its behalf."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_ENDS: Final[ContextVar[float]] = ContextVar("lambda_idempotency.deadline")


LEAST_S: Final = 1.0
"""The least seconds for a completion, where the process lives on after the deadline."""

_SENDS: Final[ContextVar[bool]] = ContextVar("lambda_idempotency.sends", default=False)


def is_enforced() -> bool:
    """Tell whether the process is killed at the deadline. In an environment that serves several
    invocations at once it is not, nor outside of Lambda
    (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html)."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ and (
        "AWS_LAMBDA_MAX_CONCURRENCY" not in os.environ
    )


@contextmanager
def completion() -> Iterator[None]:
    """Give a completion its time. It is sent even after the deadline, because the fence decides
    about it and not the clock: where the process lives on, with a second to be answered in; where
    it is about to be killed, only if a connection is open, and without waiting for the answer."""
    ends = _ENDS.get(float("inf"))
    if not is_enforced():
        ends = max(ends, time.monotonic() + LEAST_S)
    before, sends = _ENDS.set(ends), _SENDS.set(True)
    try:
        yield
    finally:
        _SENDS.reset(sends)
        _ENDS.reset(before)


def sends_anyway() -> bool:
    """Tell whether a request must be sent although the deadline has passed."""
    return _SENDS.get()


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
