"""Stores whose verbs are written once, as coroutines over a way to wait.

With `BLOCKING` a coroutine is the store's ordinary verb; with `AIO` the event loop goes on
meanwhile, without a thread.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TypeVar

from ..clients.net.waiting import BLOCKING, Waits, run
from ..protocol.record import Claim, Completion, Record, Reply
from .base import ReplyOrError, Store

T = TypeVar("T")


class CoroutineStore(Store):
    """A store that implements these coroutines; each does what the verb in its name does."""

    @property
    def on_loop(self) -> bool:
        """True if the coroutines may run on an event loop: nothing in them blocks it."""
        return True

    @abstractmethod
    async def claiming(self, claim: Claim, seen: Record | None, waits: Waits) -> Reply: ...

    async def renewing(self, claim: Claim, _: Waits) -> Reply:
        return super().renew(claim)

    @abstractmethod
    async def completing(self, completion: Completion, waits: Waits) -> Reply: ...

    @abstractmethod
    async def releasing(self, key: str, owner: str, waits: Waits) -> Reply: ...

    @abstractmethod
    async def reading(self, key: str, waits: Waits) -> Reply: ...

    async def completing_and_claiming(
        self, completion: Completion, claim: Claim, waits: Waits
    ) -> tuple[ReplyOrError, ReplyOrError]:
        completed: ReplyOrError
        claimed: ReplyOrError
        try:
            completed = await self.completing(completion, waits)
        except Exception as error:  # noqa: BLE001 - it is the answer, to one of two requests
            completed = error
        try:
            claimed = await self.claiming(claim, None, waits)
        except Exception as error:  # noqa: BLE001 - as above
            claimed = error
        return completed, claimed

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        return run(self.claiming(claim, seen, BLOCKING))

    def renew(self, claim: Claim) -> Reply:
        return run(self.renewing(claim, BLOCKING))

    def complete(self, completion: Completion) -> Reply:
        return run(self.completing(completion, BLOCKING))

    def release(self, key: str, owner: str) -> Reply:
        return run(self.releasing(key, owner, BLOCKING))

    def read(self, key: str) -> Reply:
        return run(self.reading(key, BLOCKING))

    def complete_and_claim(
        self, completion: Completion, claim: Claim
    ) -> tuple[ReplyOrError, ReplyOrError]:
        return run(self.completing_and_claiming(completion, claim, BLOCKING))


class AroundStore(CoroutineStore):
    """A store in front of another one, whose limits and names it has."""

    def __init__(self, store: Store) -> None:
        self.max_data = store.max_data
        self.transactional = store.transactional
        self.renews = store.renews
        self._label = store.label
        self._behind = store

    @property
    def name(self) -> str:
        return self._behind.name

    @property
    def label(self) -> str:
        return self._label


class Wrapped(AroundStore):
    """An ordinary store as one with coroutines, which block."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store

    @property
    def on_loop(self) -> bool:
        return False

    async def claiming(self, claim: Claim, seen: Record | None, waits: Waits) -> Reply:
        return await self._done(lambda: self._store.claim(claim, seen), waits)

    async def renewing(self, claim: Claim, waits: Waits) -> Reply:
        return await self._done(lambda: self._store.renew(claim), waits)

    async def completing(self, completion: Completion, waits: Waits) -> Reply:
        return await self._done(lambda: self._store.complete(completion), waits)

    async def releasing(self, key: str, owner: str, waits: Waits) -> Reply:
        return await self._done(lambda: self._store.release(key, owner), waits)

    async def reading(self, key: str, waits: Waits) -> Reply:
        return await self._done(lambda: self._store.read(key), waits)

    async def completing_and_claiming(
        self, completion: Completion, claim: Claim, waits: Waits
    ) -> tuple[ReplyOrError, ReplyOrError]:
        return await self._done(lambda: self._store.complete_and_claim(completion, claim), waits)

    async def _done(self, verb: Callable[[], T], _: Waits) -> T:
        return verb()


def with_coroutines(store: Store) -> CoroutineStore:
    """Return the store with coroutines."""
    return store if isinstance(store, CoroutineStore) else Wrapped(store)


def on_loop(store: Store) -> CoroutineStore | None:
    """Return the store if it can wait on an event loop."""
    return store if isinstance(store, CoroutineStore) and store.on_loop else None
