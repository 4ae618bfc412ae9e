"""`commit_with`: the user's DynamoDB writes take effect together with the record, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..errors import ConfigurationError
from ..stores.base import Store

MAX_WRITES: Final = 99
"""The most writes: a transaction has at most 100 items, and one is the record
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html)."""

_RETURNED: Final = "the handler has returned, and its writes are on their way"
_RAISED: Final = "the attempt has raised, so nothing of it is written"


class Writes:
    """The writes that one attempt has registered. `refusal` says why it cannot register any.

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
        if store.transactional:
            return cls()
        return cls(
            f"the records are in {store.label}, and only DynamoDB writes a record and your items "
            "in one transaction"
        )

    def add(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Register copies of items, or none of them and raise `ConfigurationError`."""
        self._check()
        from .write_items import copied  # few handlers need it

        added = [copied(number, item) for number, item in enumerate(items, start=1)]
        with self._lock:
            self._check()  # again, because the handler may have returned meanwhile
            if len(self._items) + len(added) > MAX_WRITES:
                raise ConfigurationError(
                    f"commit_with() was given {len(self._items) + len(added)} writes in all; a "
                    f"transaction has room for {MAX_WRITES} beside the record"
                )
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

    def _check(self) -> None:
        if self._refusal is not None:
            raise ConfigurationError(f"commit_with() cannot be used here: {self._refusal}")
