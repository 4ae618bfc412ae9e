"""Completed records kept in the process: a duplicate that finds its record there asks no store.

A completed record does not change until it expires, so it stays valid for the time that it had to
live when it was read. Processes that have a record replay it even after an operator deletes it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from ..clients.net import elapsed
from ..clients.net.elapsed import Moment
from ..protocol.record import COMPLETED, Applied, Claim, Completion, Conflict, Record, Reply
from .base import ReplyOrError, Store, attempted


class CachedStore(Store):
    """A cache in front of `store`, with the `size` completed records that were used last. The
    protocol judges them like any record: fingerprints are compared."""

    def __init__(
        self,
        store: Store,
        size: int,
        *,
        moment: Callable[[], Moment] = elapsed.now,
    ) -> None:
        self.max_data = store.max_data
        self.transactional = store.transactional
        self.renews = store.renews
        self._store = store
        self._size = size
        self._moment = moment
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The name of the store, which has the records."""
        return self._store.name

    @property
    def label(self) -> str:
        return self._store.label

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        if seen is None and (known := self._known(claim.key)) is not None:
            return known
        asked = self._moment()
        reply = self._store.claim(claim, seen)
        self._note(reply, asked)
        return reply

    def renew(self, claim: Claim) -> Reply:
        return self._store.renew(claim)

    def complete(self, completion: Completion) -> Reply:
        asked = self._moment()
        reply = self._store.complete(completion)
        self._note_completion(completion, reply, asked)
        return reply

    def release(self, key: str, owner: str) -> Reply:
        return self._store.release(key, owner)

    def read(self, key: str) -> Reply:
        asked = self._moment()
        reply = self._store.read(key)
        self._note(reply, asked)
        return reply

    def complete_and_claim(
        self, completion: Completion, claim: Claim
    ) -> tuple[ReplyOrError, ReplyOrError]:
        """Do as the store does, where the claim must be sent."""
        if (known := self._known(claim.key)) is not None:
            return attempted(lambda: self.complete(completion)), known
        asked = self._moment()
        completed, claimed = self._store.complete_and_claim(completion, claim)
        self._note_completion(completion, completed, asked)
        self._note(claimed, asked)
        return completed, claimed

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

    def _note_completion(self, completion: Completion, reply: ReplyOrError, asked: Moment) -> None:
        if isinstance(reply, Applied):
            reply = Conflict(completion.record(reply.now), reply.now)
        self._note(reply, asked)

    def _note(self, reply: ReplyOrError, asked: Moment) -> None:
        """Keep a completed record; the store was not asked before `asked`."""
        if isinstance(reply, Conflict) and reply.record.status == COMPLETED:
            record, data = reply.record, reply.record.data
            if isinstance(data, str):
                record = record._replace(data=data.encode())
            with self._lock:
                self._entries[record.key] = _Entry(record, isinstance(data, str), reply.now, asked)
                self._entries.move_to_end(record.key)
                while len(self._entries) > self._size:
                    self._entries.popitem(last=False)


class _Entry(NamedTuple):
    record: Record
    is_text: bool
    now: int
    asked: Moment
