"""Steps with large results."""

from __future__ import annotations

import os
from typing import Any

import pytest

from kit.steps import (
    EVENT,
    WRITE,
    Faulty,
    Shop,
    attempt_raises,
)
from lambda_idempotency import (
    ConfigurationError,
    MemoryStore,
    StoreError,
    current,
    idempotent,
)
from lambda_idempotency.errors import ResponseUnavailableError


def test_a_result_that_is_too_large_is_returned_and_never_repeated(
    store: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[int] = []
    store.max_data = 500

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> str:
        small = current().step("small", lambda: "s" * 100)
        large = current().step("large", lambda: ran.append(1) or os.urandom(1000).hex())  # type: ignore[func-returns-value]
        assert (len(small), len(large)) == (100, 2000)
        raise ValueError("charge")

    attempt_raises(handler)
    assert "step 'large': with its result the record would have more than 500 bytes" in caplog.text
    with pytest.raises(ResponseUnavailableError, match="'large'"):
        handler(EVENT, None)
    assert ran == [1]


def test_steps_above_a_kilobyte_are_compressed(store: Faulty) -> None:
    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        text = current().step("text", lambda: "words and " * 500)
        if "complete" not in store.requests and len(store.requests) < 3:
            raise ValueError("charge")
        return text

    attempt_raises(handler)
    [record] = store.records().values()
    assert isinstance(record.steps, bytes)
    assert len(record.steps) < 500
    assert handler(EVENT, None) == "words and " * 500


def test_steps_that_somebody_edited_are_refused(store: Faulty) -> None:
    handler = idempotent(store=store)(Shop())
    attempt_raises(handler)
    [record] = store.records().values()
    store.put(record._replace(steps='{"charge": 5}'))
    with pytest.raises(StoreError, match=r"The steps of record .* are not readable"):
        handler(EVENT, None)


@pytest.mark.parametrize(
    ("writes", "why"),
    [
        (
            [{"Put": {"TableName": "ledger"}}],
            r"step 'charge' cannot send write 1, a Put: it has no",
        ),
        (["a text"], "step 'charge' was given something that is no write"),
        ([WRITE] * 100, "step 'charge' was given 100 writes in all; a transaction has room for 99"),
    ],
    ids=["incomplete", "text", "many"],
)
def test_what_is_wrong_with_writes_names_the_step(writes: Any, why: str) -> None:
    class Transactional(MemoryStore):
        transactional = True

    runs: list[int] = []

    @idempotent(store=Transactional())
    def handler(event: Any, context: Any) -> Any:
        return current().step("charge", lambda: runs.append(1), writes=writes)

    with pytest.raises(ConfigurationError, match=why):
        handler(EVENT, None)
    assert runs == []
