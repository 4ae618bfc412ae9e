"""The attempt that is running now, for the code inside the handler."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final, NamedTuple

from .errors import ConfigurationError
from .keys import digest


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


RUNNING: Final[ContextVar[Attempt]] = ContextVar("lambda_idempotency.attempt")


def current() -> Attempt:
    """The running attempt. Raises `ConfigurationError` outside an idempotent call."""
    try:
        return RUNNING.get()
    except LookupError:
        raise ConfigurationError(
            "current() was called where no idempotent call is running; call it inside the handler, "
            "in its thread or a task of its."
        ) from None
