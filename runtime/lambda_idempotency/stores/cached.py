"""Completed records kept in the process: a duplicate that finds its record there asks no store.

A completed record does not change until it expires, so it stays valid for the time that it had to
live when it was read. Processes that have a record replay it even after an operator deletes it.

Each change of the cache is one step of the interpreter, without a lock: a signal handler that makes
an idempotent call would wait forever for a lock that its own thread holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

from ..clients.net import elapsed
from ..clients.net.elapsed import Moment
from ..clients.net.waiting import Waits
from ..protocol.record import COMPLETED, Applied, Claim, Completion, Conflict, Record, Reply
from ..tuples import NamedTuple
from .base import ReplyOrError, Store
from .coroutines import AroundStore, with_coroutines


class CachedStore(AroundStore):
    """A cache in front of `store`, with the `size` completed records that were used last. The
    protocol judges them like any record: fingerprints are compared."""

    def __init__(
        self,
        store: Store,
        size: int,
        *,
        moment: Callable[[], Moment] = elapsed.now,
    ) -> None:
        super().__init__(store)
        self._store = with_coroutines(store)
        self._size = size
        self._moment = moment
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    @property
    def on_loop(self) -> bool:
        return self._store.on_loop

    async def claiming(self, claim: Claim, seen: Record | None, waits: Waits) -> Reply:
        if seen is None and (known := self._known(claim.key)) is not None:
            return known
        asked = self._moment()
        reply = await self._store.claiming(claim, seen, waits)
        self._note(reply, asked)
        return reply

    async def renewing(self, claim: Claim, waits: Waits) -> Reply:
        return await self._store.renewing(claim, waits)

    async def completing(self, completion: Completion, waits: Waits) -> Reply:
        asked = self._moment()
        reply = await self._store.completing(completion, waits)
        self._note_completion(completion, reply, asked)
        return reply

    async def releasing(self, key: str, owner: str, waits: Waits) -> Reply:
        return await self._store.releasing(key, owner, waits)

    async def reading(self, key: str, waits: Waits) -> Reply:
        asked = self._moment()
        reply = await self._store.reading(key, waits)
        self._note(reply, asked)
        return reply

    async def completing_and_claiming(
        self, completion: Completion, claim: Claim, waits: Waits
    ) -> tuple[ReplyOrError, ReplyOrError]:
        """Do as the store does, where the claim must be sent."""
        if self._known(claim.key) is not None:
            return await super().completing_and_claiming(completion, claim, waits)
        asked = self._moment()
        completed, claimed = await self._store.completing_and_claiming(completion, claim, waits)
        self._note_completion(completion, completed, asked)
        self._note(claimed, asked)
        return completed, claimed

    def _known(self, key: str) -> Conflict | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = entry.now + elapsed.milliseconds(entry.asked, self._moment())
        if entry.record.expired(now):
            self._entries.pop(key, None)
            return None
        with suppress(KeyError):  # dropped by another thread
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
            self._entries.pop(record.key, None)  # it goes to the end
            self._entries[record.key] = _Entry(record, isinstance(data, str), reply.now, asked)
            while len(self._entries) > self._size:
                with suppress(KeyError):  # dropped by another thread
                    self._entries.popitem(last=False)


class _Entry(NamedTuple):
    record: Record
    is_text: bool
    now: int
    asked: Moment
