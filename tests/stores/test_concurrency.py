"""Many calls of one function at once, from threads and from tasks, on each store."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from lambda_idempotency import InProgressError, idempotent_function
from lambda_idempotency.testing.store_harness import StoreHarness

CALLS: Final = 24
KEYS: Final = 4


async def reached(event: asyncio.Event, task: asyncio.Task[Any]) -> None:
    """Return once the task has set the event; raise its error if it ends before."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait([waiting, task], return_when=asyncio.FIRST_COMPLETED)
    if not event.is_set():
        waiting.cancel()
        await task


def test_of_the_calls_from_threads_each_key_runs_once(atomic_harness: StoreHarness) -> None:
    runs: Counter[str] = Counter()
    lock = threading.Lock()
    start = threading.Barrier(CALLS)

    @idempotent_function(
        store=atomic_harness.store,
        namespace="shop",
        on_in_progress="wait",
        wait_timeout=60,
        name="charge",
    )
    def charge(order: str) -> list[Any]:
        with lock:
            runs[order] += 1
        return [order, runs[order]]

    def call(number: int) -> list[Any]:
        start.wait()
        return charge(f"{atomic_harness.key} {number % KEYS}")

    with ThreadPoolExecutor(CALLS) as pool:
        results = list(pool.map(call, range(CALLS)))
    assert sorted(runs.values()) == [1] * KEYS
    assert results == [[f"{atomic_harness.key} {number % KEYS}", 1] for number in range(CALLS)]


def test_of_the_calls_from_tasks_each_key_runs_once(atomic_harness: StoreHarness) -> None:
    runs: Counter[str] = Counter()

    @idempotent_function(
        store=atomic_harness.store,
        namespace="shop",
        on_in_progress="wait",
        wait_timeout=60,
        name="charge",
    )
    async def charge(order: str) -> list[Any]:
        runs[order] += 1
        await asyncio.sleep(0)
        return [order, runs[order]]

    async def main() -> list[list[Any]]:
        calls = (charge(f"{atomic_harness.key} {number % KEYS}") for number in range(CALLS))
        return await asyncio.gather(*calls)

    results = asyncio.run(main())
    assert sorted(runs.values()) == [1] * KEYS
    assert results == [[f"{atomic_harness.key} {number % KEYS}", 1] for number in range(CALLS)]


def test_a_duplicate_of_a_running_task_is_told_to_come_back(harness: StoreHarness) -> None:
    running, duplicate_told = asyncio.Event(), asyncio.Event()

    @idempotent_function(store=harness.store, namespace="shop", name="charge")
    async def charge(order: str) -> str:
        running.set()
        await duplicate_told.wait()
        return order

    async def main() -> str:
        first = asyncio.create_task(charge(harness.key))
        await reached(running, first)
        with pytest.raises(InProgressError):
            await charge(harness.key)
        duplicate_told.set()
        return await first

    assert asyncio.run(main()) == harness.key


def test_a_cancelled_task_has_released_its_key(harness: StoreHarness) -> None:
    running = asyncio.Event()
    results: list[str] = ["ran"]

    @idempotent_function(store=harness.store, namespace="shop", name="charge")
    async def charge(order: str) -> str:
        if not running.is_set():
            running.set()
            await asyncio.get_running_loop().create_future()
        return results.pop()

    async def main() -> str:
        first = asyncio.create_task(charge(harness.key))
        await reached(running, first)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await charge(harness.key)

    assert asyncio.run(main()) == "ran"
