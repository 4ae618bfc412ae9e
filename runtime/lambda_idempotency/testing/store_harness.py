"""A store under test, and the ways to plant a record and to see it."""

from __future__ import annotations

import os
from itertools import count
from typing import Final

from ..protocol.record import INPROGRESS, Applied, Claim, Completion, Conflict, Record, Reply
from ..stores.base import Store


class StoreHarness:
    """A store, and the key of one test.

    Everything goes through the store's own verbs. Override what the store's server can do better: a
    record that is planted and seen from outside shows more than the store's own replies.
    """

    sees_expired: bool = False
    """True if `stored` returns expired records too, as long as they are not deleted."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.key = new_key()

    def now(self) -> int:
        """Return the store's time, epoch milliseconds."""
        return self.store.read(new_key()).now

    def plant(self, record: Record) -> Record:
        """Put a record under its key, where there is none. Return it as stored: its times may
        differ by the time of the request."""
        now = self.now()
        expires = record.expiration * 1000
        if record.status == INPROGRESS:
            claim = Claim(
                key=record.key,
                owner=record.owner,
                lease_ms=record.lease_end - now if record.lease_end else 0,
                expires_after_ms=expires - (record.lease_end or now),
                attempt=record.attempt,
                fingerprint=record.fingerprint,
                scope=record.scope,
                revision=record.revision,
                steps=record.steps,
                execution=record.execution,
            )
            return claim.record(_applied(self.store.claim(claim)))
        completion = Completion(
            key=record.key,
            owner=record.owner,
            attempt=record.attempt,
            expires_after_ms=expires - now,
            status=record.status,
            fingerprint=record.fingerprint,
            data=record.data,
            encoding=record.encoding,
            scope=record.scope,
        )
        return completion.record(_applied(self.store.complete(completion)))

    def stored(self) -> Record | None:
        """Return the record under `key`."""
        reply = self.store.read(self.key)
        return reply.record if isinstance(reply, Conflict) else None


def new_key() -> str:
    """Return the id of a record that no other test uses."""
    return f"shop#{_RUN}{next(_NUMBERS):032x}"


# A server may keep the records of an earlier run.
_RUN: Final = os.urandom(16).hex()
_NUMBERS: Final = count(1)


def _applied(reply: Reply) -> int:
    if not isinstance(reply, Applied):
        raise AssertionError(f"a record was not written where there was none: {reply}")
    return reply.now
