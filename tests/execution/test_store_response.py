"""`store_response=False`: a record tells that its request is done, and nothing of the answer."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from lambda_idempotency import (
    ConfigurationError,
    MemoryStore,
    ResponseUnavailableError,
    current,
    idempotent,
    idempotent_function,
)
from lambda_idempotency.protocol.record import COMPLETED, NOT_KEPT

ANSWER: Final = {"card": "4111111111111111"}


def _handler(store: MemoryStore, runs: list[Any], **options: Any) -> Any:
    @idempotent(store=store, store_response=False, **options)
    def handler(event: Any, context: Any) -> Any:
        runs.append(event)
        return ANSWER

    return handler


def test_the_first_caller_gets_the_answer_and_the_record_has_nothing_of_it(
    store: MemoryStore,
) -> None:
    assert _handler(store, [])({"id": 1}, None) is ANSWER
    [record] = store.records().values()
    assert (record.status, record.data, record.encoding) == (COMPLETED, None, NOT_KEPT)


def test_an_answer_is_kept_by_default(store: MemoryStore) -> None:
    handler = idempotent(store=store)(lambda event, context: ANSWER)
    handler({"id": 1}, None)
    assert handler({"id": 1}, None) == ANSWER


def test_a_duplicate_does_not_run_and_learns_why(store: MemoryStore) -> None:
    runs: list[Any] = []
    handler = _handler(store, runs)
    handler({"id": 1}, None)
    with pytest.raises(ResponseUnavailableError, match=r"is not kept \(store_response=False\)"):
        handler({"id": 1}, None)
    assert len(runs) == 1


def test_the_setting_of_the_construct_says_the_same(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_STORE_RESPONSE", "false")
    handler = idempotent(store=store)(lambda event, context: ANSWER)
    handler({"id": 1}, None)
    with pytest.raises(ResponseUnavailableError, match="is not kept"):
        handler({"id": 1}, None)


def test_code_wins_over_the_construct(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDEMPOTENCY_STORE_RESPONSE", "false")
    handler = idempotent(store=store, store_response=True)(lambda event, context: ANSWER)
    handler({"id": 1}, None)
    assert handler({"id": 1}, None) == ANSWER


def test_records_in_the_process_compose(store: MemoryStore) -> None:
    handler = _handler(store, [], cache_size=10)
    handler({"id": 1}, None)
    with pytest.raises(ResponseUnavailableError, match="is not kept"):
        handler({"id": 1}, None)


def test_steps_are_recorded_and_end_with_the_answer(store: MemoryStore) -> None:
    failing: list[bool] = [True]
    charges: list[int] = []

    @idempotent(store=store, store_response=False, key="id")
    def handler(event: Any, context: Any) -> Any:
        charge = current().step("charge", lambda: charges.append(1))
        if failing:
            failing.clear()
            raise ZeroDivisionError
        return {"charged": charge}

    with pytest.raises(ZeroDivisionError):
        handler({"id": 1}, None)
    assert handler({"id": 1}, None) == {"charged": None}
    [record] = store.records().values()
    assert (len(charges), record.steps, record.data) == (1, None, None)


# Functions ----------------------------------------------------------------------------------------


def test_a_functions_result_may_be_anything(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    result = object()

    @idempotent_function(store=store, store_response=False, name="make")
    def make(x: int) -> object:
        return result

    assert make(1) is result
    with pytest.raises(ResponseUnavailableError, match="is not kept"):
        make(1)
    assert caplog.records == []


def test_what_was_kept_before_is_still_replayed(store: MemoryStore) -> None:
    def make(x: int) -> dict[str, str]:
        return ANSWER

    idempotent_function(store=store)(make)(1)
    assert idempotent_function(store=store, store_response=False)(make)(1) == ANSWER


def test_an_async_function_keeps_nothing(store: MemoryStore) -> None:
    @idempotent_function(store=store, store_response=False)
    async def make(x: int) -> dict[str, str]:
        return ANSWER

    assert asyncio.run(make(1)) is ANSWER
    with pytest.raises(ResponseUnavailableError, match="is not kept"):
        asyncio.run(make(1))


# What makes no sense ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["on_replay", "redact"])
def test_what_is_about_the_kept_response_is_refused(store: MemoryStore, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"@idempotent: {name} is given"):
        _handler(store, [], **{name: len})


def test_a_serializer_is_refused(store: MemoryStore) -> None:
    with pytest.raises(ConfigurationError, match="serializer is given"):
        idempotent_function(store=store, store_response=False, serializer=(str, str))
