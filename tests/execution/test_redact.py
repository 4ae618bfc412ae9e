"""`redact=`: what of an answer is kept. The first caller gets all of it, a duplicate the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.http_events import Http, rest, seen
from lambda_idempotency import (
    ConfigurationError,
    MemoryStore,
    ResponseUnavailableError,
    idempotent,
    idempotent_function,
)

SECRET: Final = "4111111111111111"
ANSWER: Final = {"id": 7, "card": SECRET, "lines": [{"sku": "a", "note": SECRET}, {"sku": "b"}]}


_TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


def _named(value: Any) -> str:
    return str(getattr(value, "__name__", value))


def _handler(store: MemoryStore, redact: Any, answer: Any = ANSWER, **options: Any) -> Any:
    return idempotent(store=store, redact=redact, **options)(lambda event, context: answer)


def _only(store: MemoryStore) -> str:
    [record] = store.records().values()
    return repr(record)


@pytest.mark.parametrize(
    ("redact", "kept"),
    [
        ("{id: id}", {"id": 7}),
        ("id", 7),
        ("{id: id, note: note}", {"id": 7, "note": None}),
        ("{skus: lines[].sku}", {"skus": ["a", "b"]}),
        ("{lines: lines[].{sku: sku}}", {"lines": [{"sku": "a"}, {"sku": "b"}]}),
        ("{notes: lines[].note | length(@)}", {"notes": 1}),
        (lambda answer: {"id": answer["id"]}, {"id": 7}),
    ],
    ids=_named,
)
def test_the_first_caller_gets_all_and_a_duplicate_what_is_kept(
    store: MemoryStore, redact: Any, kept: Any
) -> None:
    handler = _handler(store, redact)
    assert handler({"id": 1}, None) is ANSWER
    assert handler({"id": 1}, None) == kept
    assert SECRET not in _only(store)


def test_all_is_kept_by_default(store: MemoryStore) -> None:
    handler = _handler(store, None)
    handler({"id": 1}, None)
    assert handler({"id": 1}, None) == ANSWER


def test_the_setting_of_the_construct_says_the_same(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_REDACT", "{id: id}")
    handler = _handler(store, None)
    handler({"id": 1}, None)
    assert handler({"id": 1}, None) == {"id": 7}


def test_a_callable_may_change_what_it_gets(store: MemoryStore) -> None:
    answer = {"id": 7, "card": SECRET}

    def redact(kept: Any) -> Any:
        del kept["card"]
        return kept

    handler = _handler(store, redact, answer)
    assert handler({"id": 1}, None) == {"id": 7, "card": SECRET}
    assert handler({"id": 1}, None) == {"id": 7}


def test_numbers_keep_their_digits(store: MemoryStore) -> None:
    price = Decimal("0.10000000000000000000000001")
    handler = _handler(store, "{price: price}", {"price": price, "card": SECRET})
    handler({"id": 1}, None)
    assert handler({"id": 1}, None) == {"price": price}


def test_on_replay_sees_what_is_kept(store: MemoryStore) -> None:
    handler = _handler(store, "{id: id}", on_replay=lambda kept, _: {**kept, "again": True})
    handler({"id": 1}, None)
    assert handler({"id": 1}, None) == {"id": 7, "again": True}


# When it fails ------------------------------------------------------------------------------------


def _raises(answer: Any) -> Any:
    raise LookupError(answer["card"])


def _exits(answer: Any) -> Any:
    raise SystemExit(answer["card"])


@pytest.mark.parametrize(
    ("redact", "why"),
    [
        (_raises, "redact raised LookupError"),
        (_exits, "redact raised SystemExit"),
        (lambda answer: None, "redact returned None"),
        (lambda answer: {answer["card"]}, "what redact returned is no JSON"),
        ("cards.number", "redact returned None"),
        ("sum(card)", "redact raised JMESPathTypeError"),
    ],
    ids=_named,
)
def test_a_redact_that_fails_loses_no_result_and_nothing_is_kept(
    store: MemoryStore, redact: Any, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    handler = _handler(store, redact)
    assert handler({"id": 1}, None) is ANSWER
    with pytest.raises(ResponseUnavailableError):
        handler({"id": 1}, None)
    assert SECRET not in _only(store)
    assert why in caplog.text
    assert SECRET not in caplog.text


def test_an_answer_of_nothing_needs_no_redaction(store: MemoryStore) -> None:
    handler = _handler(store, "id", None)
    assert [handler({"id": 1}, None), handler({"id": 1}, None)] == [None, None]


@given(JSON)
def test_whatever_is_answered_its_secret_is_nowhere_in_the_record(value: Any) -> None:
    store = MemoryStore()
    handler = _handler(store, "{kept: kept}", {"kept": value, "card": SECRET})
    handler({"id": 1}, None)
    assert handler({"id": 1}, None) == {"kept": value}
    assert SECRET not in _only(store)


async def _async(answer: Any) -> Any:
    return answer


@pytest.mark.parametrize(
    ("redact", "why"),
    [("id[", "redact is 'id\\[', which is not JMESPath"), (5, "redact is 5"), (_async, "async")],
    ids=_named,
)
def test_a_senseless_redact_is_refused(store: MemoryStore, redact: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=f"@idempotent: .*{why}"):
        _handler(store, redact)


# HTTP ---------------------------------------------------------------------------------------------


def _send(store: MemoryStore, redact: Any) -> Any:
    def handler(event: Any, context: Any) -> Any:
        return {"statusCode": 201, "body": json.dumps({"id": 7, "card": SECRET})}

    return seen("rest", idempotent(store=store, redact=redact)(handler)(rest(Http()), None))


BODY: Final = "{statusCode: statusCode, body: to_string(json(body).{id: id})}"


def test_a_response_keeps_its_status_and_what_its_body_is_redacted_to(store: MemoryStore) -> None:
    first, again = _send(store, BODY), _send(store, BODY)
    assert (first.status, first.json["card"]) == (201, SECRET)
    assert (again.status, again.json, again.headers["idempotency-replayed"]) == (
        201,
        {"id": 7},
        "true",
    )
    assert SECRET not in _only(store)


@pytest.mark.parametrize("redact", ["{body: body}", "{statusCode: `200`}", "body"])
def test_a_response_of_another_status_is_not_kept(store: MemoryStore, redact: str) -> None:
    assert _send(store, redact).status == 201
    assert _send(store, redact).status == 410
    assert SECRET not in _only(store)


# Functions ----------------------------------------------------------------------------------------


@dataclass
class Receipt:
    id: int
    card: str | None


def test_a_functions_result_comes_back_as_its_type(store: MemoryStore) -> None:
    @idempotent_function(store=store, redact="{id: id, card: `null`}")
    def charge(x: int) -> Receipt:
        return Receipt(x, SECRET)

    assert [charge(1), charge(1)] == [Receipt(1, SECRET), Receipt(1, None)]
    assert SECRET not in _only(store)


def test_what_a_serializer_makes_of_none_is_redacted_too(store: MemoryStore) -> None:
    serializer = (lambda _: {"card": SECRET}), (lambda _: None)

    @idempotent_function(store=store, redact="{id: id}", serializer=serializer)
    def charge(x: int) -> None:
        return None

    assert [charge(1), charge(1)] == [None, None]
    assert SECRET not in _only(store)


def test_what_is_no_result_of_the_function_is_not_kept(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    @idempotent_function(store=store, redact="id")
    def charge(x: int) -> Receipt:
        return Receipt(x, SECRET)

    assert charge(1) == Receipt(1, SECRET)
    with pytest.raises(ResponseUnavailableError):
        charge(1)
    assert "what redact returned is no answer" in caplog.text


def test_the_constructs_redact_is_not_taken_for_a_functions_result(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_REDACT", "{statusCode: statusCode}")

    def charge(x: int) -> dict[str, int]:
        return {"charged": x}

    with pytest.raises(ConfigurationError, match="charge: the construct's redact is for the hand"):
        idempotent_function(store=store)(charge)
    own = idempotent_function(store=store, redact=lambda result: result)(charge)
    assert [own(1), own(1)] == [{"charged": 1}] * 2
