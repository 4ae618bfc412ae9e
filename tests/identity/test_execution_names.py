"""Names of durable executions that callers start."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from lambda_idempotency import ConfigurationError, MissingKeyError, execution_name

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(TEXTS)
def test_lambda_takes_the_name_whatever_the_key(key: str) -> None:
    shape = get_session().get_service_model("lambda").shape_for("DurableExecutionName")
    assert len(execution_name(key, function="orders")) == shape.metadata["max"]
    assert set(execution_name(key, function="orders")) <= set("0123456789abcdef")


@given(TEXTS)
def test_another_language_makes_the_same_name_of_a_text(key: str) -> None:
    text = json.dumps(key, ensure_ascii=False)  # as JSON.stringify does
    expected = sha256(f"orders:{text}".encode()).hexdigest()
    assert execution_name(key, function="orders") == expected


def test_the_name_of_a_key_stays() -> None:
    assert execution_name("o-17", function="orders") == (
        "179517eb74c55c405371ef2b8897193da5732c6d46b4401307a56c177928afeb"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [(7, 7.0), (["a", 1], ("a", 1)), ({"a": 1, "b": 2}, {"b": 2, "a": 1})],
)
def test_equal_keys_have_one_name(one: Any, other: Any) -> None:
    assert execution_name(one, function="orders") == execution_name(other, function="orders")


@pytest.mark.parametrize(
    ("one", "other"), [("7", 7), (["a", "b"], ["b", "a"]), (["a", "b"], "a,b"), (True, 1)]
)
def test_other_keys_have_other_names(one: Any, other: Any) -> None:
    assert execution_name(one, function="orders") != execution_name(other, function="orders")


def test_another_function_has_another_name_for_the_key() -> None:
    assert execution_name("o-17", function="orders") != execution_name("o-17", function="refunds")


@pytest.mark.parametrize("key", [None, "", [], {}, ["acme", None], ("acme", ""), {"order": None}])
def test_a_key_that_is_missing_has_no_name(key: Any) -> None:
    with pytest.raises(MissingKeyError, match="the key, or a part of it, is missing or empty"):
        execution_name(key, function="orders")


@pytest.mark.parametrize("key", [0, False, [0]])
def test_zero_and_false_are_keys(key: Any) -> None:
    assert len(execution_name(key, function="orders")) == 64


def test_a_key_without_json_is_refused_and_not_quoted() -> None:
    with pytest.raises(MissingKeyError) as raised:
        execution_name(object(), function="orders")
    assert "object at" not in str(raised.value)


@pytest.mark.parametrize(
    "function",
    ["", "orders:live", "arn:aws:lambda:eu-west-1:111122223333:function:orders", "a b", None],
)
def test_a_function_is_named_in_one_way(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected the name of the durable function alone"):
        execution_name("o-17", function=function)
