"""Fifty duplicates wait for one attempt: it ends as if it were alone, and all get its answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import Any

import pytest

from kit.worlds import World
from lambda_idempotency import idempotent
from lambda_idempotency.protocol.record import Reply, Store

WAITERS = 50


class CountedStore:
    """A store whose requests are counted, by verb."""

    def __init__(self, store: Store) -> None:
        self.max_data = store.max_data
        self.sent: list[str] = []
        self.all_wait = Event()
        self._store = store
        self._lock = Lock()

    def __getattr__(self, verb: str) -> Any:
        def send(*arguments: Any) -> Reply:
            with self._lock:
                self.sent.append(verb)
                if self.sent.count("read") >= WAITERS:
                    self.all_wait.set()
            reply: Reply = getattr(self._store, verb)(*arguments)
            return reply

        return send


@pytest.mark.parametrize("world", ["memory", "dynamodb light", "redis 7"], indirect=True)
def test_waiters_do_not_starve_the_one_they_wait_for(world: World) -> None:
    store, runs = CountedStore(world.store), []

    def pay(event: Any, context: Any) -> str:
        runs.append(event)
        assert store.all_wait.wait(60)
        return "paid"

    handler = idempotent(store=store, namespace="shop", on_in_progress="wait", wait_timeout=60)(pay)
    event = {"id": world.key}
    with ThreadPoolExecutor(max_workers=WAITERS + 1) as pool:
        answers = list(pool.map(lambda _: handler(event, None), range(WAITERS + 1)))
    assert answers == ["paid"] * (WAITERS + 1)
    assert len(runs) == 1
    assert store.sent.count("complete") == 1
    # Whoever waits reads, which disturbs nobody: he has claimed once.
    assert store.sent.count("claim") == WAITERS + 1
