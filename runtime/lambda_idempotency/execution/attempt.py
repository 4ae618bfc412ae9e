"""The attempts that are running now: for the code inside them, and for calls inside calls."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar, Token
from typing import Any, Final, NamedTuple, TypeAlias

from ..errors import ConfigurationError
from ..identity.keys import digest
from .commits import Writes

TimeLeft: TypeAlias = Callable[[], int]
"""Tells the milliseconds that an invocation has left."""


class Attempt(NamedTuple):
    """`key` is the record's id; `attempt` counts from 1, one more for each that died before."""

    key: str
    attempt: int
    writes: Writes | None = None

    def downstream_key(self, name: str) -> str:
        """An idempotency key for a call to another service, the same in every attempt.

        Pass it where that service takes one (Stripe's `Idempotency-Key`, SQS FIFO's
        deduplication id, Step Functions' execution name): a repeated attempt then has one effect
        there too. `name` tells the calls of one handler apart. 64 hexadecimal digits.
        """
        return digest((b"downstream", self.key.encode(), name.encode("utf-8", "surrogatepass")))

    def commit_with(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Registers DynamoDB writes that take effect in one transaction with this attempt's record:
        all of them and the answer, or nothing, and only while no other attempt has taken over.

        `items` are those of TransactWriteItems, in the form of boto3's low-level client; the
        function needs the rights to them. Nothing is sent before the handler returns; if it raises,
        or its answer is not kept, nothing is written. Instead of the result a caller may then get
        `CommitError` or `LeaseLostError`. Raises `ConfigurationError` where the records are not in
        DynamoDB, for something that is no write, and for more than 99.
        """
        if self.writes is None:
            raise ConfigurationError(
                "commit_with() cannot be used here: this call has no record to commit with"
            )
        self.writes.add(items)


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
