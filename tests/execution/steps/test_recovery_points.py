"""A recorded step never runs again, and an attempt that gives up keeps what it has."""

from __future__ import annotations

from typing import Any

import pytest

from kit.http_events import Http, http_2
from kit.steps import (
    EVENT,
    RESULT,
    Faulty,
    Shop,
    attempt_died,
    attempt_raises,
)
from lambda_idempotency import (
    FingerprintMismatchError,
    current,
    idempotent,
)
from lambda_idempotency.errors import ResponseUnavailableError
from lambda_idempotency.protocol.record import INPROGRESS

# A recorded step never runs again -----------------------------------------------------------------


def test_a_step_is_not_repeated_after_the_handler_raised(store: Faulty) -> None:
    shop = Shop()
    handler = idempotent(store=store)(shop)
    attempt_raises(handler)
    assert handler(EVENT, None) == RESULT
    assert shop.ran == ["charge", "label"]


def test_a_step_is_not_repeated_after_the_attempt_died(store: Faulty) -> None:
    shop = Shop()
    handler = idempotent(store=store)(shop)
    attempt_raises(handler)
    attempt_died(store)
    assert handler(EVENT, None) == RESULT


def test_a_step_that_raised_runs_again(store: Faulty) -> None:
    shop = Shop()
    shop.fails_after = "in charge"
    handler = idempotent(store=store)(shop)
    attempt_raises(handler)
    assert store.records() == {}
    handler(EVENT, None)
    assert shop.ran == ["charge", "charge", "label"]


def test_each_step_is_one_request_and_a_replay_of_the_answer_none_more(store: Faulty) -> None:
    shop = Shop()
    shop.fails_after = None
    handler = idempotent(store=store)(shop)
    handler(EVENT, None)
    assert store.requests == ["claim", "renew", "renew", "complete"]
    store.requests.clear()
    handler(EVENT, None)
    assert store.requests == ["claim"]


def test_a_replayed_step_is_no_request(store: Faulty) -> None:
    handler = idempotent(store=store)(Shop())
    attempt_raises(handler)
    store.requests.clear()
    handler(EVENT, None)
    assert store.requests == ["claim", "claim", "renew", "complete"]


def test_the_first_attempt_gets_what_later_ones_get(store: Faulty) -> None:
    got: list[Any] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        got.append(current().step("tuple", lambda: (1, {2: "x"})))
        if len(got) == 1:
            raise ValueError("charge")

    attempt_raises(handler)
    handler(EVENT, None)
    assert got == [[1, {"2": "x"}]] * 2


def test_a_result_that_is_no_json_is_returned_and_never_repeated(store: Faulty) -> None:
    ran: list[str] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> str:
        current().step("step", lambda: ran.append("x") or object())  # type: ignore[func-returns-value]
        raise ValueError("charge")

    attempt_raises(handler)
    with pytest.raises(ResponseUnavailableError, match=r"Step 'step' .* is done"):
        handler(EVENT, None)
    assert ran == ["x"]


def test_a_completed_record_has_no_steps(store: Faulty) -> None:
    shop = Shop()
    shop.fails_after = None
    idempotent(store=store)(shop)(EVENT, None)
    [record] = store.records().values()
    assert (record.steps, record.data is not None) == (None, True)


# Giving up ----------------------------------------------------------------------------------------


def test_an_attempt_that_raised_leaves_no_lease_and_its_fingerprint(store: Faulty) -> None:
    handler = idempotent(store=store, key="id")(Shop())
    attempt_raises(handler, {"id": 1, "amount": 1})
    [record] = store.records().values()
    assert (record.status, record.lease_end, record.attempt) == (INPROGRESS, 0, 1)
    fingerprinted = idempotent(store=store, key="id", fingerprint="amount", name="other")(Shop())
    attempt_raises(fingerprinted, {"id": 1, "amount": 1})
    with pytest.raises(FingerprintMismatchError):
        fingerprinted({"id": 1, "amount": 2}, None)


def test_giving_up_is_no_death(store: Faulty) -> None:
    asked: list[Any] = []
    shop = Shop()
    handler = idempotent(store=store, max_attempts=1, on_orphan=asked.append)(shop)
    attempt_raises(handler)
    shop.fails_after = "label"
    attempt_raises(handler)
    assert handler(EVENT, None) == RESULT
    assert asked == []


def test_a_death_after_giving_up_is_one(store: Faulty) -> None:
    asked: list[Any] = []
    handler = idempotent(store=store, on_orphan=asked.append)(Shop())
    attempt_raises(handler)
    attempt_died(store)
    handler(EVENT, None)
    assert asked == [EVENT]


def test_an_answer_that_is_not_kept_keeps_the_steps(store: Faulty) -> None:
    ran: list[int] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        current().step("charge", lambda: ran.append(1))
        return {"statusCode": 500 if len(store.requests) < 4 else 200, "body": ""}

    request = http_2(Http())
    assert handler(request, None)["statusCode"] == 500
    assert handler(request, None)["statusCode"] == 200
    assert ran == [1]


def test_a_handler_without_steps_is_released_as_ever(store: Faulty) -> None:
    def handler(event: Any, context: Any) -> None:
        raise ValueError("charge")

    attempt_raises(idempotent(store=store)(handler))
    assert store.requests == ["claim", "release"]
