"""Batches of every source, and what the tests ask of their handlers."""

from __future__ import annotations

from typing import Any

from lambda_idempotency.testing.batches import *  # noqa: F403 - the public ones
from lambda_idempotency.testing.batches import Record, item_of


def failures(response: Any) -> list[Any]:
    """Return the items that a response names, checked to hold nothing else."""
    assert list(response) == ["batchItemFailures"]
    assert all(list(failure) == ["itemIdentifier"] for failure in response["batchItemFailures"])
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


class Orders:
    """A handler of records that remembers what it did. `poisoned` items raise."""

    def __init__(self, *poisoned: str) -> None:
        self.poisoned: dict[str, BaseException] = {item: ValueError("a bug") for item in poisoned}
        self.started: list[str] = []
        self.done: list[str] = []

    def __call__(self, record: Record, context: Any) -> str:
        item = item_of(record)
        self.started.append(item)
        if item in self.poisoned:
            raise self.poisoned[item]
        self.done.append(item)
        return "nobody reads this"
