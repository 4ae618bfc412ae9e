"""Completed records kept in the process: a duplicate that finds its own asks no store.

A completed record does not change until it expires, so what was read stays true for as long as it
then had to live. A record that an operator deletes is still replayed by the processes that have it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from ..clients.net import elapsed
from ..clients.net.elapsed import Moment
from ..protocol.record import COMPLETED, Applied, Claim, Completion, Conflict, Record, Reply, Store


class CachedStore:
    """`store`, with the `size` completed records that were used last. The protocol judges them as
    it does any record: fingerprints are compared."""

    def __init__(
        self,
        store: Store,
        size: int,
        *,
        moment: Callable[[], Moment] = elapsed.now,
    ) -> None:
        self.max_data = store.max_data
        self._store = store
        self._size = size
        self._moment = moment
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        """What else the store can do."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._store, name)

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        """See `Store.claim`."""
        if seen is None and (known := self._known(claim.key)) is not None:
            return known
        asked = self._moment()
        return self._noted(self._store.claim(claim, seen), asked)

    def complete(self, completion: Completion) -> Reply:
        """See `Store.complete`."""
        asked = self._moment()
        reply = self._store.complete(completion)
        if isinstance(reply, Applied):
            self._noted(Conflict(completion.record(reply.now), reply.now), asked)
            return reply
        return self._noted(reply, asked)

    def release(self, key: str, owner: str) -> Reply:
        """See `Store.release`."""
        return self._store.release(key, owner)

    def read(self, key: str) -> Reply:
        """See `Store.read`."""
        asked = self._moment()
        return self._noted(self._store.read(key), asked)

    def _known(self, key: str) -> Conflict | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            now = entry.now + elapsed.milliseconds(entry.asked, self._moment())
            if entry.record.expired(now):
                del self._entries[key]
                return None
            self._entries.move_to_end(key)
        record, data = entry.record, entry.record.data
        if entry.is_text and isinstance(data, bytes):
            record = record._replace(data=data.decode())
        return Conflict(record, now)

    def _noted(self, reply: Reply, asked: Moment) -> Reply:
        """Keeps a completed record; the store was not asked before `asked`."""
        if isinstance(reply, Conflict) and reply.record.status == COMPLETED:
            record, data = reply.record, reply.record.data
            if isinstance(data, str):
                record = record._replace(data=data.encode())
            with self._lock:
                self._entries[record.key] = _Entry(record, isinstance(data, str), reply.now, asked)
                self._entries.move_to_end(record.key)
                while len(self._entries) > self._size:
                    self._entries.popitem(last=False)
        return reply


class _Entry(NamedTuple):
    record: Record
    is_text: bool
    now: int
    asked: Moment
