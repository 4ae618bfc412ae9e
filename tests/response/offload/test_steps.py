"""The results of steps, in objects of their own."""

from __future__ import annotations

import os
from typing import Any

import pytest

from kit.network.fault_server import FaultServer
from kit.offload import (
    LARGE,
    Hurried,
    Settle,
    Store,
)
from lambda_idempotency import (
    StoreError,
    current,
    idempotent,
)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_large_step_is_an_object_of_its_own(
    settle: Settle, store: Store, s3: Any, kind: str
) -> None:
    settle()
    tried: list[int] = []

    def steps() -> Any:
        tried.append(1)
        return current().step("large", lambda: f"{len(tried)} {LARGE}")

    def sync(event: Any, context: Any) -> Any:
        got = steps()
        return got if len(tried) > 1 else 1 / 0

    async def asynchronous(event: Any, context: Any) -> Any:
        got = await steps()
        return got if len(tried) > 1 else 1 / 0

    handler: Any = idempotent(store=store)(sync if kind == "sync" else asynchronous)
    with pytest.raises(ZeroDivisionError):
        handler({"id": kind}, None)
    [record] = store.records().values()
    assert len(record.steps or "") < 500
    assert handler({"id": kind}, None) == f"1 {LARGE}"


def test_while_s3_cannot_be_reached_a_step_is_told_to_be_done_and_not_the_operation(
    settle: Settle, store: Store
) -> None:
    def handler(event: Any, context: Any) -> Any:
        current().step("large", lambda: LARGE)
        raise ZeroDivisionError

    settle()
    with pytest.raises(ZeroDivisionError):
        idempotent(store=store)(handler)({"id": 1}, None)
    settle("http://127.0.0.1:9")
    with pytest.raises(StoreError, match=r"^Step .large. under record .* is done, but its resp"):
        idempotent(store=store)(handler)({"id": 1}, Hurried())


def test_a_step_that_finds_the_record_full_is_an_object_although_it_is_small(
    settle: Settle, s3: Any
) -> None:
    settle()
    store, ran = Store(max_data=2000), list[int]()

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        got = [
            current().step(str(n), lambda n=n: ran.append(n) or os.urandom(400).hex())  # type: ignore[misc, func-returns-value]
            for n in range(4)
        ]
        if len(ran) == 4:
            ran.append(-1)
            raise ZeroDivisionError
        return [len(text) for text in got]

    with pytest.raises(ZeroDivisionError):
        handler({"id": 1}, None)
    assert handler({"id": 1}, None) == [800] * 4
    assert ran == [0, 1, 2, 3, -1]


def test_a_step_whose_object_cannot_be_written_stays_in_the_record(
    settle: Settle, faulty: FaultServer
) -> None:
    settle(faulty.endpoint)
    store = Store(max_data=None)

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        got = current().step("large", lambda: LARGE)
        return got if store.key else 1 / 0

    with pytest.raises(ZeroDivisionError):
        handler({"id": 1}, None)
    [record] = store.records().values()
    assert len(record.steps or "") > 5000
