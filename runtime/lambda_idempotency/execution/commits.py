"""The user's DynamoDB writes, which take effect together with the record or not at all: those of
`commit_with` with the completion, those of a step with its recovery point."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..errors import ConfigurationError
from ..stores.base import Store

MAX_WRITES: Final = 99
"""The most writes: a transaction has at most 100 items, and one is the record
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html)."""

_SOURCE: Final = "commit_with()"
_RETURNED: Final = "the handler has returned, and its writes are on their way"
_RAISED: Final = "the attempt has raised, so nothing of it is written"


class Writes:
    """The writes that `commit_with` has registered. `refusal` says why it cannot register any.

    Threads of the handler may register writes while it returns: each is sent, or refused aloud.
    """

    __slots__ = ("_items", "_lock", "_refusal")

    def __init__(self, refusal: str | None = None) -> None:
        self._items: list[Mapping[str, Any]] = []
        self._refusal = refusal
        self._lock = threading.RLock()  # a signal handler may register a write, too

    @classmethod
    def into(cls, store: Store) -> Writes:
        """Return the writes of an attempt whose record is in `store`."""
        return cls(refusal_of(store))

    def add(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Register copies of items, or none of them and raise `ConfigurationError`."""
        added = copies(_SOURCE, items, refusal=self._refusal)
        with self._lock:
            # Again, because the handler may have returned meanwhile.
            check_room(_SOURCE, len(self._items) + len(added), refusal=self._refusal)
            self._items += added

    def taken(self) -> tuple[Mapping[str, Any], ...]:
        """Return all registered writes, and refuse further ones."""
        with self._lock:
            self._refusal = _RETURNED
            return tuple(self._items)

    def drop(self) -> None:
        """Drop all registered writes, because the attempt has raised, and refuse further ones."""
        with self._lock:
            self._refusal = _RAISED
            self._items.clear()


def refusal_of(store: Store) -> str | None:
    """Return why no writes can take effect with a record in `store`; None: they can."""
    if store.transactional:
        return None
    return (
        f"the records are in {store.label}, and only DynamoDB writes a record and your items in "
        "one transaction"
    )


def copies(source: str, items: Iterable[Any], *, refusal: str | None) -> list[Mapping[str, Any]]:
    """Return copies of the writes that `source` was given. Raises `ConfigurationError` for what is
    no write, for too many, and for any at all if there is a `refusal`."""
    check_room(source, 0, refusal=refusal)
    from .write_items import copied  # few handlers need it

    found: list[Mapping[str, Any]] = [
        copied(source, number, item) for number, item in enumerate(items, start=1)
    ]
    check_room(source, len(found), refusal=refusal)
    return found


def check_room(source: str, count: int, *, refusal: str | None) -> None:
    """Raise `ConfigurationError` if a transaction has no room for so many writes."""
    if refusal is not None:
        raise ConfigurationError(f"{source} cannot have writes here: {refusal}")
    if count > MAX_WRITES:
        raise ConfigurationError(
            f"{source} was given {count} writes in all; a transaction has room for {MAX_WRITES} "
            "beside the record"
        )
