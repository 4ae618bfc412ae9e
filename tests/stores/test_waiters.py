"""Fifty duplicates wait for one attempt: it ends as if it were alone, and all get its answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import Any

import pytest

from kit.watched import WatchedStore
from lambda_idempotency import idempotent
from lambda_idempotency.testing.store_harness import StoreHarness

WAITERS = 50


class Requests:
    """The verbs that a store was asked for, by many threads."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.all_wait = Event()
        self._lock = Lock()

    def note(self, verb: str) -> None:
        with self._lock:
            self.sent.append(verb)
            if self.sent.count("read") >= WAITERS:
                self.all_wait.set()


@pytest.mark.parametrize("harness", ["memory", "dynamodb light", "redis 7"], indirect=True)
def test_waiters_do_not_starve_the_one_they_wait_for(harness: StoreHarness) -> None:
    requests, runs = Requests(), []
    store = WatchedStore(harness.store, requests.note)

    def pay(event: Any, context: Any) -> str:
        runs.append(event)
        assert requests.all_wait.wait(60)
        return "paid"

    handler = idempotent(store=store, namespace="shop", on_in_progress="wait", wait_timeout=60)(pay)
    event = {"id": harness.key}
    with ThreadPoolExecutor(max_workers=WAITERS + 1) as pool:
        answers = list(pool.map(lambda _: handler(event, None), range(WAITERS + 1)))
    assert answers == ["paid"] * (WAITERS + 1)
    assert len(runs) == 1
    assert requests.sent.count("complete") == 1
    # Whoever waits reads, which disturbs nobody: he has claimed once.
    assert requests.sent.count("claim") == WAITERS + 1
