"""What may happen to a call: each fault on demand, on stores in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import StoreError
from ..protocol.record import Completion, Record, Reply
from ..stores.memory import MADE, MemoryStore

R = TypeVar("R")


class MemoryStores:
    """The stores of the handlers under test. Without any: all that `IDEMPOTENCY_STORE=memory` has
    made in this process."""

    def __init__(self, *stores: MemoryStore) -> None:
        self.given = stores

    @property
    def all(self) -> Sequence[MemoryStore]:
        """The stores, those of handlers that are decorated later too."""
        return self.given or MADE

    def records(self) -> dict[str, Record]:
        """Return all records by their ids, expired ones too."""
        return {key: record for store in self.all for key, record in store.records().items()}

    def clear(self) -> None:
        """Forget all records."""
        for store in self.all:
            store.clear()


class Simulation:
    """Calls that meet with an accident. `call` is a decorated handler or function, and `args` are
    its arguments."""

    def __init__(self, *stores: MemoryStore) -> None:
        self.stores = MemoryStores(*stores)

    def duplicate(self, call: Callable[..., R], *args: Any, **kwargs: Any) -> tuple[R, R]:
        """Call twice. Return both answers, which are equal for an idempotent handler."""
        return call(*args, **kwargs), call(*args, **kwargs)

    def crash(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call, and let the process die after the effect and before its record. The lease has ended
        since, so the next call takes over. Raises `AssertionError` if nothing ran."""
        died: list[tuple[MemoryStore, Record]] = []

        def noting(store: MemoryStore, completion: Completion) -> Reply:
            record = store.records()[completion.key]
            died.append((store, record._replace(lease_end=store.read("").now - 1)))
            return type(store).complete(store, completion)

        with self._completing(noting):
            call(*args, **kwargs)
        if not died:
            raise AssertionError("the call did not run, so no attempt can have died")
        for store, record in died:
            store.put(record)

    def lost_reply(self, call: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """Call, and lose the store's reply to the completion, which has taken effect. Return the
        answer that the caller gets all the same."""
        lost: list[str] = []

        def losing(store: MemoryStore, completion: Completion) -> Reply:
            reply = type(store).complete(store, completion)
            if not lost:
                lost.append(completion.key)
                raise StoreError("the reply is lost")
            return reply

        with self._completing(losing):
            return call(*args, **kwargs)

    def expiry(self) -> None:
        """Let all records expire: the next calls run."""
        for store in self.stores.all:
            now = store.read("").now // 1000
            for record in store.records().values():
                store.put(record._replace(expiration=now, lease_end=min(record.lease_end, now)))

    @contextmanager
    def _completing(self, complete: Callable[[MemoryStore, Completion], Reply]) -> Iterator[None]:
        """Let completions be this function's."""
        stores = list(self.stores.all)
        for store in stores:
            vars(store)["complete"] = lambda completion, of=store: complete(of, completion)
        try:
            yield
        finally:
            for store in stores:
                del vars(store)["complete"]
