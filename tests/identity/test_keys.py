"""Requests that share a record id and a fingerprint, and requests that have none."""

from __future__ import annotations

import base64
import re
from collections import deque
from types import MappingProxyType
from typing import Any, Final

import pytest

from lambda_idempotency import MissingKeyError
from lambda_idempotency.identity.keys import (
    Identity,
    KeyAbsentError,
    KeyRule,
    Selector,
    state_scope,
)
from lambda_idempotency.identity.scope import Scope

ORDER: Final[dict[str, Any]] = {"order": {"id": 7, "line": "a"}, "amount": 10}


def keyed(event: Any, key: Any = None, **options: Any) -> str:
    selector = None if key is None else Selector("key", key)
    return KeyRule("shop", "pay", key=selector).identify(event, **options).key


def post(body: str, **parts: Any) -> dict[str, Any]:
    return {"httpMethod": "POST", "resource": "/orders", "headers": None, "body": body, **parts}


# The id -------------------------------------------------------------------------------------------


def test_the_id_is_the_namespace_and_a_digest() -> None:
    assert re.fullmatch("shop#[0-9a-f]{64}", keyed(ORDER))


def test_the_key_value_is_nowhere_in_the_identity() -> None:
    rule = KeyRule(
        namespace="shop",
        operation="pay",
        key=Selector("key", "order.id"),
        fingerprint=Selector("fingerprint", "order.line"),
    )
    identity = rule.identify({"order": {"id": "secret-4711", "line": "secret-4712"}})
    assert "secret" not in repr(identity)


def test_the_same_event_has_the_same_id() -> None:
    assert keyed(ORDER) == keyed({"amount": 10.0, "order": {"line": "a", "id": 7}})


def test_without_a_key_expression_every_part_of_the_event_counts() -> None:
    assert keyed(ORDER) != keyed({**ORDER, "amount": 11})


@pytest.mark.parametrize("key", ["order.id", lambda event: event["order"]["id"]])
def test_with_a_key_expression_the_rest_of_the_event_does_not_count(key: Any) -> None:
    assert keyed(ORDER, key) == keyed({**ORDER, "amount": 11}, key)


@pytest.mark.parametrize("key", ["order.id", lambda event: event["order"]["id"]])
def test_another_key_value_has_another_id(key: Any) -> None:
    assert keyed(ORDER, key) != keyed({"order": {"id": 8}}, key)


def test_jmespath_and_a_callable_that_select_the_same_value_give_the_same_id() -> None:
    assert keyed(ORDER, "order.id") == keyed(ORDER, lambda event: event["order"]["id"])


def test_a_number_and_its_text_have_different_ids() -> None:
    assert keyed({"id": 1}, "id") != keyed({"id": "1"}, "id")


def test_the_namespace_changes_the_id() -> None:
    assert KeyRule("a", "pay").identify(ORDER).key != KeyRule("b", "pay").identify(ORDER).key


def test_the_operation_changes_the_id() -> None:
    charge = KeyRule(namespace="shop", operation="charge").identify(ORDER)
    refund = KeyRule(namespace="shop", operation="refund").identify(ORDER)
    assert charge.key != refund.key


SCOPES: Final[list[Scope]] = [
    Scope(),
    Scope(tenant="a"),
    Scope(tenant="b"),
    Scope(tenant=""),
    Scope(api=("a",)),
    Scope(api=("b",)),
    Scope(caller=(("a",),)),
    Scope(caller=(("b",),)),
    Scope(caller=(("a", "b"),)),
    Scope(caller=(("a",), ("b",))),
    Scope(caller=(("ab",),)),
    Scope(route=["a"]),
    Scope(route=["b"]),
    Scope(tenant="\ud800"),
    Scope(tenant="\ud801"),
]


def test_each_part_of_the_scope_changes_the_id_and_none_is_taken_for_another() -> None:
    ids = {keyed(ORDER, scope=scope) for scope in SCOPES}
    assert len(ids) == len(SCOPES)


def test_equal_scopes_give_one_id() -> None:
    one, other = (Scope("t", ("a",), (("jwt", "i", "s"),), ["POST", {"id": "7"}]) for _ in range(2))
    assert keyed(ORDER, scope=one) == keyed(ORDER, scope=other)


def test_the_state_of_a_request_is_asked_for_on_another_route_in_the_same_scope() -> None:
    states = {state_scope(scope) for scope in SCOPES}
    assert len(states) == len(SCOPES) - 2  # the two that differ in the route from the first alone
    assert all(re.fullmatch("[0-9a-f]{64}", state) for state in states)


# Missing and unusable keys ------------------------------------------------------------------------


@pytest.mark.parametrize("empty", [None, "", [], {}, ()])
def test_an_empty_event_has_no_key(empty: Any) -> None:
    with pytest.raises(KeyAbsentError, match="event is empty"):
        keyed(empty)


@pytest.mark.parametrize("key", ["id", lambda event: event["id"]])
@pytest.mark.parametrize("value", [None, "", [], {}, (), set(), b"", deque(), MappingProxyType({})])
def test_a_null_or_empty_key_is_missing(key: Any, value: Any) -> None:
    with pytest.raises(KeyAbsentError, match="key is missing from the event, or empty"):
        keyed({"id": value}, key)


@pytest.mark.parametrize("key", ["id", lambda event: event["id"]])
@pytest.mark.parametrize("value", [0, False, 0.0, " ", [0], {"a": 0}])
def test_zero_and_false_are_keys(key: Any, value: Any) -> None:
    assert keyed({"id": value}, key).startswith("shop#")


@pytest.mark.parametrize("key", ["id", "order.nothing.id", "items[3]"])
@pytest.mark.parametrize("event", [ORDER, [], "text", 5, None])
def test_a_path_that_leads_nowhere_is_a_missing_key(key: str, event: Any) -> None:
    with pytest.raises(KeyAbsentError):
        keyed(event, key)


@pytest.mark.parametrize(
    ("key", "event"),
    [
        (lambda event: event["id"], ORDER),
        (lambda event: event["id"], None),
        (lambda event: event.id, ORDER),
        (lambda event: event["items"][3], {"items": []}),
        (lambda event: int(event["id"]), {"id": "x"}),
    ],
)
def test_a_callable_that_finds_nothing_is_a_missing_key(key: Any, event: Any) -> None:
    with pytest.raises(KeyAbsentError, match="key cannot be read"):
        keyed(event, key)


def test_another_error_of_a_callable_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        keyed(ORDER, lambda event: 1 / 0)


@pytest.mark.parametrize(
    "key",
    [
        "[id, part]",
        "{id: id, part: part}",
        "@ | [id, part]",
        "sub.[id, part]",
        "sub | {id: id, part: part}",
        "sub.{whole: @, part: part} | [whole, part]",
        "[id, [id, part]]",
        "[id, {part: part}]",
        lambda event: (event["id"], event.get("part")),
        lambda event: [event["id"], event.get("part")],
        lambda event: {"id": event["id"], "part": event.get("part")},
    ],
)
def test_a_partly_missing_key_is_missing(key: Any) -> None:
    with pytest.raises(KeyAbsentError, match="part of the key is missing"):
        keyed({"id": 1, "sub": {"id": 1}}, key)


@pytest.mark.parametrize("key", ["[id, part]", "sub.[id, part]", "sub | {id: id, part: part}"])
@pytest.mark.parametrize("part", [0, False, "x"])
def test_a_key_whose_parts_are_all_there_is_a_key(key: str, part: Any) -> None:
    event = {"id": 1, "part": part, "sub": {"id": 1, "part": part}}
    assert keyed(event, key) != keyed({**event, "part": 2, "sub": {"id": 1, "part": 2}}, key)


def test_a_null_inside_a_selected_object_is_part_of_its_value() -> None:
    assert keyed({"order": {"id": 1, "note": None}}, "order") != keyed(
        {"order": {"id": 1}}, "order"
    )


@pytest.mark.parametrize("value", [len, float("nan"), object()])
def test_a_key_that_json_does_not_have_is_unusable_and_not_missing(value: Any) -> None:
    with pytest.raises(MissingKeyError, match="key is unusable") as refused:
        keyed({"id": value}, lambda event: event["id"])
    assert not isinstance(refused.value, KeyAbsentError)


# Fingerprints -------------------------------------------------------------------------------------


def identify(event: Any, fingerprint: Any) -> Identity:
    chosen = None if fingerprint is None else Selector("fingerprint", fingerprint)
    return KeyRule("shop", "pay", Selector("key", "order.id"), chosen).identify(event)


def test_without_an_expression_there_is_no_fingerprint() -> None:
    assert identify(ORDER, None).fingerprint is None


def test_a_fingerprint_does_not_change_the_id() -> None:
    assert identify(ORDER, "amount").key == identify({**ORDER, "amount": 11}, "amount").key


def test_another_payload_has_another_fingerprint() -> None:
    other = identify({**ORDER, "amount": 11}, "amount")
    assert identify(ORDER, "amount").fingerprint != other.fingerprint


def test_a_fingerprint_compares_by_value() -> None:
    same = identify({**ORDER, "amount": 10.0}, lambda event: event["amount"])
    assert identify(ORDER, "amount").fingerprint == same.fingerprint


def test_a_missing_fingerprint_is_named() -> None:
    with pytest.raises(MissingKeyError, match="fingerprint is missing"):
        identify({"order": {"id": 1}}, "amount")


# HTTP bodies --------------------------------------------------------------------------------------


def test_expressions_see_the_decoded_body() -> None:
    one, other = post('{"id": 7, "note": "a"}'), post('{"note": "b", "id": 7.0}')
    assert keyed(one, "body.id") == keyed(other, "body.id")


def test_another_value_in_the_body_has_another_id() -> None:
    assert keyed(post('{"id": 7}'), "body.id") != keyed(post('{"id": 8}'), "body.id")


def test_a_body_in_base64_has_the_same_key_as_the_plain_one() -> None:
    encoded = base64.b64encode(b'{"id": 7}').decode()
    assert keyed(post(encoded, isBase64Encoded=True), "body.id") == keyed(
        post('{"id": 7}'), "body.id"
    )


def test_a_body_with_a_name_twice_is_unusable_and_not_missing() -> None:
    with pytest.raises(MissingKeyError, match="same name twice") as refused:
        keyed(post('{"id": 7, "id": 8}'), "body.id")
    assert not isinstance(refused.value, KeyAbsentError)
