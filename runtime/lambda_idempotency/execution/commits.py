"""`commit_with`: the business' own DynamoDB writes, which take effect with the record or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..errors import CommitError, ConfigurationError, IdempotencyError, LeaseLostError
from ..protocol.record import Store
from ..protocol.steps import CommitFailed, LeaseLost

MAX_WRITES: Final = 99
"""A transaction has at most 100 items, and one is the record
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html)."""

KINDS: Final = frozenset({"Put", "Update", "Delete", "ConditionCheck"})


class Writes:
    """What one attempt has registered so far; `refusal` says why it can register nothing."""

    __slots__ = ("_items", "_refusal")

    def __init__(self, refusal: str | None = None) -> None:
        self._items: list[Mapping[str, Any]] = []
        self._refusal = refusal

    @classmethod
    def into(cls, store: Store) -> Writes:
        """For an attempt whose record is in `store`."""
        if getattr(store, "transactional", False):
            return cls()
        return cls(
            f"the records are in a {type(store).__name__}, and only DynamoDB writes a record and "
            "your items in one transaction"
        )

    def add(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Registers items. Raises `ConfigurationError`."""
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
        """All that was registered; nothing more can be."""
        self._refusal = "the handler has returned, and its writes are on their way"
        return tuple(self._items)


def failure(outcome: CommitFailed | LeaseLost) -> IdempotencyError:
    """What the caller gets in the place of a result that was not committed."""
    if isinstance(outcome, LeaseLost):
        return LeaseLostError(
            f"The attempt under record {outcome.key} has lost its lease to another one, so its "
            "writes were not applied. Retry: the other attempt's answer will be the answer."
        )
    if outcome.applied is None:
        return CommitError(
            f"Nobody knows whether the writes under record {outcome.key} were applied: "
            f"{outcome.about}. Retry: the record tells, at the latest when its lease has ended.",
            applied=None,
        )
    return CommitError(
        f"The writes under record {outcome.key} were not applied, and nothing was recorded: "
        f"{outcome.about}. A retry runs again.",
        applied=False,
    )
