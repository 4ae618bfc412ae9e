"""The end of a call's time, for all that waits on its behalf.

One deadline holds for all waits of a call together: resolving, connecting, the handshake, writing,
reading, credentials, locks, pauses. It is measured on two clocks, so that it runs on while the
process is frozen, as `elapsed` is.

The last part of an invocation is never spent on waiting: it stays for telling the outcome.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Final, TypeVar

from .elapsed import Moment

T = TypeVar("T")
R = TypeVar("R")

RESERVE_S: Final = 0.5
"""The most seconds of a limit that stay for telling the outcome."""

RESERVE_PART: Final = 0.1
"""The part of a limit that stays for it, where that is less."""

COMPLETION_S: Final = 1.0
"""The least seconds for a completion, where the process lives on after the deadline."""

SEND_S: Final = 0.001
"""Seconds for a completion whose time is over: enough to send it on an open connection."""

LATE_S: Final = 0.05
"""The least seconds by which a request may be late before it is given up."""


class Deadline:
    """A moment after which nothing is waited for, `seconds` from now.

    `reserve`: the seconds that the limit behind it has left at that moment.
    """

    __slots__ = ("_steady_end", "_wall_end", "reserve")

    def __init__(self, seconds: float, reserve: float = 0.0, now: Moment | None = None) -> None:
        steady, wall = (time.monotonic(), time.time()) if now is None else now
        self._steady_end = steady + seconds
        self._wall_end = wall + seconds
        self.reserve = reserve

    def left(self) -> float:
        """Return the seconds left; negative ones where it has passed."""
        steady, wall = self._steady_end - time.monotonic(), self._wall_end - time.time()
        if steady < wall:  # `min` would take longer than both clocks
            return steady
        return wall

    def require(self) -> float:
        """Return the seconds left. Raises `TimeoutError` where there are none."""
        steady, wall = self._steady_end - time.monotonic(), self._wall_end - time.time()
        if steady <= 0 or wall <= 0:
            raise TimeoutError("timed out")
        return min(wall, steady)

    def within(self, seconds: float) -> Deadline:
        """Return this deadline, or one in so many seconds if that is earlier."""
        now = time.monotonic(), time.time()
        if self._steady_end - now[0] <= seconds or self._wall_end - now[1] <= seconds:
            return self
        return Deadline(seconds, self.reserve, now)

    def __repr__(self) -> str:
        return f"<Deadline: {self.left():.3f} s left>"


_CURRENT: Final[ContextVar[Deadline]] = ContextVar("lambda_idempotency.deadline")
_SENDS: Final[ContextVar[bool]] = ContextVar("lambda_idempotency.sends", default=False)


def reserve_of(seconds: float) -> float:
    """Return how much of a limit stays for telling the outcome."""
    part = seconds * RESERVE_PART  # `min` and `max` would take longer than all the rest
    if part > RESERVE_S:
        return RESERVE_S
    return part if part > 0 else 0.0


def without_reserve(milliseconds: int) -> int:
    """Return how much of the time that a call has left it may wait."""
    known = _CURRENT.get(None)
    reserve = reserve_of(milliseconds / 1000) if known is None else known.reserve
    return milliseconds - int(reserve * 1000)


def start(milliseconds: int) -> Token[Deadline]:
    """Limit all waits from now on, so that the limit's reserve stays. Return what `end` takes.

    A limit within another one keeps the reserve of that: what is left of an invocation gets
    shorter, what its outcome needs does not.
    """
    limit = milliseconds / 1000
    outer = _CURRENT.get(None)
    reserve = reserve_of(limit)
    if outer is not None and outer.reserve > reserve:
        reserve = outer.reserve
    return _CURRENT.set(Deadline(limit - reserve, reserve))


def end(token: Token[Deadline]) -> None:
    """Undo the `start` that returned this token."""
    _CURRENT.reset(token)


def current(at_most: float) -> Deadline:
    """Return the call's deadline, or one in `at_most` seconds if that is earlier."""
    known = _CURRENT.get(None)
    return Deadline(at_most) if known is None else known.within(at_most)


def is_enforced() -> bool:
    """Tell whether the process is killed at the deadline. In an environment that serves several
    invocations at once it is not, nor outside of Lambda
    (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html)."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ and (
        "AWS_LAMBDA_MAX_CONCURRENCY" not in os.environ
    )


class completion:  # noqa: N801 - it reads as what it does: `with deadline.completion():`
    """Give a completion its time. It is sent even after the deadline, because the fence decides
    about it and not the clock: where the process lives on, with a second to be answered in; where
    it is about to be killed, only if a connection is open, and without waiting for the answer."""

    __slots__ = ("_ends", "_sends")

    def __enter__(self) -> None:
        known = _CURRENT.get(None)
        late = known is not None and known.left() < COMPLETION_S and not is_enforced()
        self._ends = _CURRENT.set(Deadline(COMPLETION_S)) if late else None
        self._sends = _SENDS.set(True)

    def __exit__(self, *_: object) -> None:
        _SENDS.reset(self._sends)
        if self._ends is not None:
            _CURRENT.reset(self._ends)


def of_exchange(deadline: Deadline) -> Deadline:
    """Return the deadline of an exchange on an open connection: a completion is sent even when its
    time is over."""
    return Deadline(SEND_S) if _SENDS.get() and deadline.left() < SEND_S else deadline


def of_lost() -> Deadline:
    """Return the moment at which to give up a request that should have ended by the deadline: a
    little later, within the reserve where the process is about to be killed."""
    known = current(threading.TIMEOUT_MAX)
    late = max(known.reserve / 2, LATE_S) if is_enforced() else COMPLETION_S + RESERVE_S
    return Deadline(max(known.left(), 0) + late)


def limited(function: Callable[[T], R], left: Callable[[], int]) -> Callable[[T], R]:
    """Return the function, limited to the milliseconds that are `left` when it is called."""

    def called(argument: T) -> R:
        token = start(left())
        try:
            return function(argument)
        finally:
            end(token)

    return called
