"""A large response is an object of a real S3, and is replayed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kit.http_events import Http, http_2, seen
from kit.network.fault_server import FaultServer, Request, Step
from kit.offload import (
    LARGE,
    Handler,
    Settle,
    Store,
    error_of,
    object_of,
    objects,
)
from lambda_idempotency import (
    ResponseUnavailableError,
    current,
    idempotent_function,
)


def test_a_large_response_is_an_object_and_is_replayed(
    settle: Settle, store: Store, s3: Any
) -> None:
    settle()
    handler = Handler(store)
    assert handler() == handler() == LARGE
    assert handler.runs == 1
    assert store.record.encoding == "s3 zlib"
    assert len(store.record.data or "") == 64
    assert object_of(store.record) in objects(s3)


def test_the_object_is_there_before_the_completion(settle: Settle, store: Store, s3: Any) -> None:
    settle()
    before = objects(s3)
    written: list[set[str]] = []
    store.before = lambda: written.append(objects(s3) - before)
    Handler(store)()
    assert written == [{object_of(store.record)}]


def test_what_does_not_compress_is_an_object_all_the_same(
    settle: Settle, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_idempotency.response.compression.compressed", lambda data: data)
    settle()
    handler = Handler(store, "ü" * 3000)
    assert handler() == handler() == "ü" * 3000
    assert store.record.encoding == "s3"


@pytest.mark.parametrize("result", ["small", "x" * 500_000], ids=["small", "compressed"])
def test_what_is_not_large_stays_in_the_record(
    settle: Settle, store: Store, s3: Any, result: str
) -> None:
    settle()
    before = objects(s3)
    handler = Handler(store, result)
    assert handler() == handler() == result
    assert objects(s3) == before


def test_what_the_store_cannot_hold_is_large_whatever_the_size(settle: Settle, s3: Any) -> None:
    settle(large_response_size=10**9)
    store = Store(max_data=1000)
    handler = Handler(store)
    assert handler() == handler() == LARGE
    assert object_of(store.record) in objects(s3)


def test_without_a_bucket_it_is_unavailable_and_the_log_says_what_to_do(
    settle: Settle, caplog: pytest.LogCaptureFixture
) -> None:
    settle(large_responses=None)
    handler = Handler(Store(max_data=1000))
    assert handler() == LARGE
    with pytest.raises(ResponseUnavailableError):
        handler()
    assert "large_responses" in caplog.text
    assert LARGE not in caplog.text


def test_a_large_http_response_is_replayed(settle: Settle, store: Store) -> None:
    settle()
    handler = Handler(store, {"statusCode": 201, "body": LARGE})
    answers = [seen("http_2", handler(http_2(Http()))) for _ in range(2)]
    assert [(one.status, one.body) for one in answers] == [(201, LARGE)] * 2
    assert store.record.encoding == "s3 zlib"


def test_an_answer_that_is_not_kept_is_no_object(settle: Settle, store: Store, s3: Any) -> None:
    settle()
    before = objects(s3)
    handler = Handler(store, {"statusCode": 500, "body": LARGE})
    for _ in range(2):
        handler(http_2(Http()))
    assert handler.runs == 2
    assert objects(s3) == before


def test_a_functions_large_result_is_restored(settle: Settle, store: Store) -> None:
    settle()

    @idempotent_function(store=store)
    def parts(order: int) -> tuple[str, ...]:
        return LARGE, LARGE

    assert parts(1) == parts(1) == (LARGE, LARGE)
    assert store.record.encoding == "s3 zlib"


def test_an_async_functions_large_result_is_restored(settle: Settle, store: Store) -> None:
    settle()
    runs: list[str] = []

    @idempotent_function(store=store, name="parts")
    async def parts(order: int) -> tuple[str, ...]:
        runs.append(current().key)
        return LARGE, LARGE

    async def twice() -> list[Any]:
        return [await parts(1), await parts(1)]

    assert asyncio.run(twice()) == [(LARGE, LARGE)] * 2
    assert len(runs) == 1
    assert store.record.encoding == "s3 zlib"


def test_a_call_that_is_cancelled_during_the_upload_is_recorded(
    settle: Settle, store: Store, faulty: FaultServer
) -> None:
    settle(faulty.endpoint)

    async def main() -> None:
        def uploading(_: Request) -> Step:
            loop.call_soon_threadsafe(task.cancel)
            return error_of("AccessDenied", 403)

        @idempotent_function(store=store)
        async def parts(order: int) -> str:
            return LARGE

        loop = asyncio.get_running_loop()
        faulty.script(uploading)
        task = asyncio.create_task(parts(1))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert store.record.status == "COMPLETED"
