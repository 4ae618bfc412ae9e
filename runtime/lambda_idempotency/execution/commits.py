"""`commit_with`: the user's DynamoDB writes take effect together with the record, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..errors import ConfigurationError
from ..stores.base import Store

MAX_WRITES: Final = 99
"""The most writes: a transaction has at most 100 items, and one is the record
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html)."""

KINDS: Final = frozenset({"Put", "Update", "Delete", "ConditionCheck"})


class Writes:
    """The writes that one attempt has registered. `refusal` says why it cannot register any."""

    __slots__ = ("_items", "_refusal")

    def __init__(self, refusal: str | None = None) -> None:
        self._items: list[Mapping[str, Any]] = []
        self._refusal = refusal

    @classmethod
    def into(cls, store: Store) -> Writes:
        """Return the writes of an attempt whose record is in `store`."""
        if store.transactional:
            return cls()
        return cls(
            f"the records are in a {type(store).__name__}, and only DynamoDB writes a record and "
            "your items in one transaction"
        )

    def add(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Register items. Raises `ConfigurationError`."""
        if self._refusal is not None:
            raise ConfigurationError(f"commit_with() cannot be used here: {self._refusal}")
        for item in (added := list(items)):
            if not isinstance(item, Mapping) or len(item) != 1 or not item.keys() <= KINDS:
                raise ConfigurationError(
                    "commit_with() was given something that is no write; expected items as of "
                    'TransactWriteItems, such as {"Put": {"TableName": ..., "Item": {...}}}'
                )
        if len(self._items) + len(added) > MAX_WRITES:
            raise ConfigurationError(
                f"commit_with() was given {len(self._items) + len(added)} writes in all; a "
                f"transaction has room for {MAX_WRITES} beside the record"
            )
        self._items += added

    def taken(self) -> tuple[Mapping[str, Any], ...]:
        """Return all registered writes, and refuse further ones."""
        self._refusal = "the handler has returned, and its writes are on their way"
        return tuple(self._items)
