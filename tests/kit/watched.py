"""A store that lets a test see each request before another store gets it."""

from __future__ import annotations

from collections.abc import Callable

from lambda_idempotency.protocol.record import Claim, Completion, Record, Reply
from lambda_idempotency.stores.base import Store


class WatchedStore(Store):
    """`store`; `before` is called with the name of each verb before it is asked for."""

    __slots__ = ("_before", "_store", "max_data")

    def __init__(self, store: Store, before: Callable[[str], object]) -> None:
        self.max_data = store.max_data
        self._store = store
        self._before = before

    @property
    def name(self) -> str:
        """See `Store.name`."""
        return self._store.name

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        """See `Store.claim`."""
        self._before("claim")
        return self._store.claim(claim, seen)

    def complete(self, completion: Completion) -> Reply:
        """See `Store.complete`."""
        self._before("complete")
        return self._store.complete(completion)

    def release(self, key: str, owner: str) -> Reply:
        """See `Store.release`."""
        self._before("release")
        return self._store.release(key, owner)

    def read(self, key: str) -> Reply:
        """See `Store.read`."""
        self._before("read")
        return self._store.read(key)
