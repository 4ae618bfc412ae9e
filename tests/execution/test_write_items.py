"""The items of `commit_with`: what DynamoDB would refuse is refused where it is registered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lambda_idempotency import ConfigurationError
from lambda_idempotency.execution.write_items import copied

KEY = {"id": {"S": "1"}}


def _put(value: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "ledger", "Item": {"amount": value}}}


@pytest.mark.parametrize(
    "write",
    [
        {"Put": {"TableName": "ledger", "Item": KEY}},
        {"Delete": {"TableName": "ledger", "Key": KEY}},
        {"Update": {"TableName": "ledger", "Key": KEY, "UpdateExpression": "ADD a :one"}},
        {"ConditionCheck": {"TableName": "ledger", "Key": KEY, "ConditionExpression": "a = b"}},
        {
            "Put": {
                "TableName": "ledger",
                "Item": KEY,
                "ConditionExpression": "#a = :b",
                "ExpressionAttributeNames": {"#a": "amount"},
                "ExpressionAttributeValues": {":b": {"N": "-1.5E3"}},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
    ],
    ids=lambda write: next(iter(write)),
)
def test_a_write_of_every_kind_is_copied(write: dict[str, Any]) -> None:
    copy = copied("commit_with()", 1, write)
    assert copy == write
    assert copy is not write


@pytest.mark.parametrize(
    "value",
    [
        {"S": ""},
        {"N": "12.50"},
        {"N": "-.5e-3"},
        {"B": b"\x00"},
        {"BOOL": False},
        {"NULL": True},
        {"SS": ["a", "b"]},
        {"NS": ["1"]},
        {"BS": [b"a"]},
        {"L": []},
        {"M": {}},
        {"L": [{"M": {"a": {"L": [{"S": "x"}]}}}]},
    ],
    ids=repr,
)
def test_a_value_of_every_type_is_taken(value: Any) -> None:
    assert copied("commit_with()", 1, _put(value)) == _put(value)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"B": bytearray(b"x")}, {"B": b"x"}),
        ({"B": memoryview(b"x")}, {"B": b"x"}),
        ({"L": ({"S": "a"},)}, {"L": [{"S": "a"}]}),
    ],
    ids=["bytearray", "memoryview", "tuple"],
)
def test_what_can_change_is_frozen(value: Any, told: Any) -> None:
    assert copied("commit_with()", 1, _put(value)) == _put(told)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (Decimal(4711), "Item.amount is a Decimal; expected a value with its type"),
        ({"N": Decimal(4711)}, "the N of Item.amount is a Decimal; expected a number as a text"),
        ({"N": 4711}, "the N of Item.amount is an int; expected a number as a text"),
        ({"N": "NaN"}, "the N of Item.amount is a str; expected a number as a text"),
        ({"S": 4711}, "the S of Item.amount is an int; expected a text"),
        ({"S": "4711\ud800"}, "the S of Item.amount is a str; expected a text that UTF-8 can hold"),
        ({"B": "4711"}, "the B of Item.amount is a str; expected bytes"),
        ({"BOOL": 1}, "the BOOL of Item.amount is an int; expected True or False"),
        ({"NULL": False}, "the NULL of Item.amount is a bool; expected True"),
        ({"SS": {"4711"}}, "the SS of Item.amount is a set; expected a list"),
        ({"SS": []}, "the SS of Item.amount is empty; expected members"),
        ({"SS": ["4711", "4711"]}, "the SS of Item.amount is a list; expected members, and none"),
        ({"NS": [4711]}, "the NS of Item.amount is an int; expected a number as a text"),
        ({"L": {"S": "4711"}}, "the L of Item.amount is a dict; expected a list"),
        ({"L": ["4711"]}, "a member of Item.amount is a str; expected a value with its type"),
        ({"M": {4711: {"S": ""}}}, "the M of Item.amount is a dict; expected a dict whose names"),
        ({"X": "4711"}, "Item.amount is a dict; expected a value with its type"),
        ({"S": "4711", "N": "4711"}, "Item.amount is a dict; expected a value with its type"),
        ({}, "Item.amount is empty; expected a value with its type"),
    ],
    ids=repr,
)
def test_a_value_that_dynamodb_refuses_is_refused_without_it(value: Any, why: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        copied("commit_with()", 3, _put(value))
    assert f"cannot send write 3, a Put: {why}" in str(refused.value)
    assert "4711" not in str(refused.value)


@pytest.mark.parametrize(
    ("write", "why"),
    [
        ({"Put": []}, "it is a list; expected a dict"),
        ({"Put": {"TableName": "t"}}, "it has no Item"),
        ({"Delete": {"TableName": "t", "Item": KEY}}, "it has no Key"),
        ({"Update": {"TableName": "t", "Key": KEY}}, "it has no UpdateExpression"),
        ({"ConditionCheck": {"TableName": "t", "Key": KEY}}, "it has no ConditionExpression"),
        ({"Delete": {"TableName": "", "Key": KEY}}, "TableName is empty"),
        ({"Delete": {"TableName": 5, "Key": KEY}}, "TableName is an int"),
        ({"Delete": {"TableName": "t", "Key": "1"}}, "Key is a str"),
        (
            {"Delete": {"TableName": "t", "Key": KEY, "Condition": "a"}},
            "it has no field 'Condition'; expected TableName, Key, ConditionExpression, ",
        ),
        (
            {"Delete": {"TableName": "t", "Key": KEY, "ExpressionAttributeNames": {"#a": 5}}},
            "ExpressionAttributeNames.#a is an int",
        ),
    ],
    ids=repr,
)
def test_a_write_that_dynamodb_refuses_is_refused(write: Any, why: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        copied("commit_with()", 1, write)
    assert why in str(refused.value)
