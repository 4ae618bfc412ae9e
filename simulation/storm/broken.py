"""Stores that break the promise, each in one way: the verdict has to find it."""

from __future__ import annotations

from typing import Literal

from lambda_idempotency.protocol.record import (
    INPROGRESS,
    Applied,
    Claim,
    Completion,
    Conflict,
    Record,
    Reply,
)
from lambda_idempotency.stores.base import Store

Break = Literal["ignores leases", "forgets answers", "forgets steps"]


def broken(store: Store, way: Break | None) -> Store:
    """Return the store, broken or not."""
    return store if way is None else Broken(store, way)


class Broken(Store):
    """A store that breaks the promise. `ignores leases`: a claim of a key that is held succeeds.
    `forgets answers`: a completion deletes the record instead of writing it. `forgets steps`: a
    recovery point leaves them out."""

    def __init__(self, store: Store, way: Break) -> None:
        self.max_data = store.max_data
        self.renews, self.transactional = store.renews, store.transactional
        self._store = store
        self._way = way

    @property
    def name(self) -> str:
        return self._store.name

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        reply = self._store.claim(claim, seen)
        held = isinstance(reply, Conflict) and reply.record.status == INPROGRESS
        if held and self._way == "ignores leases":
            return Applied(reply.now)
        return reply

    def renew(self, claim: Claim) -> Reply:
        kept = claim._replace(steps=None) if self._way == "forgets steps" else claim
        return self._store.renew(kept)

    def complete(self, completion: Completion) -> Reply:
        if self._way == "forgets answers":
            return self._store.release(completion.key, completion.owner)
        return self._store.complete(completion)

    def release(self, key: str, owner: str) -> Reply:
        return self._store.release(key, owner)

    def read(self, key: str) -> Reply:
        return self._store.read(key)
