"""The attempts that are running now: for the code inside them, and for calls inside calls."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar, Token
from typing import Final, NamedTuple, TypeAlias

from .errors import ConfigurationError
from .keys import digest

TimeLeft: TypeAlias = Callable[[], int]
"""Tells the milliseconds that an invocation has left."""


class Attempt(NamedTuple):
    """`key` is the record's id; `attempt` counts from 1, one more for each that died before."""

    key: str
    attempt: int

    def downstream_key(self, name: str) -> str:
        """An idempotency key for a call to another service, the same in every attempt.

        Pass it where that service takes one (Stripe's `Idempotency-Key`, SQS FIFO's
        deduplication id, Step Functions' execution name): a repeated attempt then has one effect
        there too. `name` tells the calls of one handler apart. 64 hexadecimal digits.
        """
        return digest((b"downstream", self.key.encode(), name.encode("utf-8", "surrogatepass")))


class Running:
    """Makes an attempt the current one, while the `with` block that it is given to runs.

    Tasks, and threads that are given the context, see it too, even when it has ended.
    """

    __slots__ = ("_token", "attempt", "ended", "outer", "time_left")

    def __init__(self, attempt: Attempt, time_left: TimeLeft | None = None) -> None:
        """`time_left` is the invocation's, where this attempt is one."""
        self.attempt = attempt
        self.time_left = time_left
        self.outer = _RUNNING.get(None)
        self.ended = False
        self._token: Token[Running] | None = None

    def __enter__(self) -> None:
        self._token = _RUNNING.set(self)

    def __exit__(self, *_: object) -> None:
        self.ended = True
        assert self._token is not None
        try:
            _RUNNING.reset(self._token)
        except ValueError:  # a coroutine is being closed, from outside of its context
            return

    @staticmethod
    def now() -> Iterator[Running]:
        """The attempts that this code runs in, innermost first, less those that have ended."""
        running = _RUNNING.get(None)
        while running is not None:
            if not running.ended:
                yield running
            running = running.outer


_RUNNING: Final[ContextVar[Running]] = ContextVar("lambda_idempotency.running")


def unprotected() -> Attempt:
    """An attempt without a record; its key is that of this call alone."""
    return Attempt(f"unprotected#{os.urandom(16).hex()}", 1)


def current() -> Attempt:
    """The running attempt. Raises `ConfigurationError` outside an idempotent call."""
    running = _RUNNING.get(None)
    if running is None:
        raise ConfigurationError(
            "current() was called where no idempotent call is running; call it inside the handler "
            "or function, in its thread or a task of its."
        )
    return running.attempt
