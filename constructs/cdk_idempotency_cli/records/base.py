"""What both stores can do for an operator, beyond the verbs of the runtime.

An operator sees expired records, too, and changes a record only as it was seen: the condition of
each write demands its state, owner and revision. Unless it is forced, a lease must have ended as
well, by the store's time.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias, get_args

from lambda_idempotency.protocol.record import COMPLETED, PARKED, Record, Reply

State: TypeAlias = Literal["live", "orphan", "given-up", "completed", "parked", "expired"]

STATES: Final[tuple[State, ...]] = get_args(State)


class Found(NamedTuple):
    """A record, and the store's time at which it was read, in epoch milliseconds."""

    record: Record
    now: int

    @property
    def state(self) -> State:
        """The record's state, in the words of the glossary."""
        record, now = self
        if record.expired(now):
            return "expired"
        if record.status == COMPLETED:
            return "completed"
        if record.status == PARKED:
            return "parked"
        if record.given_up:
            return "given-up"
        return "live" if record.leased(now) else "orphan"


class Records(Protocol):
    """The records of one store."""

    @property
    def place(self) -> str:
        """The table or server, as a text names it."""
        ...

    def find(self, key: str) -> Found | None:
        """Return a record, even if it has expired."""
        ...

    def delete(self, seen: Record, *, forced: bool = False) -> Reply:
        """Delete the record that was seen. `forced`: although its lease has not ended."""
        ...

    def put(self, record: Record, seen: Record, *, forced: bool = False) -> Reply:
        """Put a record in the place of the one that was seen."""
        ...

    def scan(self, namespace: str | None) -> Generator[list[Found], None, None]:
        """Yield all records, or those of a namespace, page by page."""
        ...

    def size(self) -> int | None:
        """Return about how many entries a scan reads; None if nobody knows."""
        ...

    def close(self) -> None:
        """Close idle connections."""
        ...
