"""The grants are exactly the necessary ones: every one is needed, and nothing else is possible."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, TypeAlias
from uuid import uuid4

import pytest

from kit.aws.deployed import Deployed

pytestmark = pytest.mark.xdist_group("deployed")

Without: TypeAlias = Callable[[str, str], AbstractContextManager[None]]


@pytest.fixture
def without(deployed: Deployed) -> Without:
    """Return a context that takes one action from a function's rights on its records."""

    @contextmanager
    def removed(function: str, action: str) -> Iterator[None]:
        role, name, document = deployed.policy(function)
        reduced: dict[str, Any] = copy.deepcopy(document)
        [statement] = [statement for statement in reduced["Statement"] if "Condition" in statement]
        statement["Action"].remove(action)
        deployed.put_policy(role, name, reduced)
        try:
            yield
        finally:
            deployed.put_policy(role, name, document)

    return removed


def test_without_put_item_nothing_runs(deployed: Deployed, without: Without) -> None:
    event = {"id": uuid4().hex, "amount": 1}
    with without("Default", "dynamodb:PutItem"):
        refused = deployed.invoke("Default", event)
    assert "put_item on table" in str(refused.error)
    assert "AccessDenied" in str(refused.error)
    assert deployed.effects(event["id"]) == 0  # type: ignore[arg-type]
    assert deployed.invoke("Default", event).error is None


def test_without_put_item_fail_open_runs(deployed: Deployed, without: Without) -> None:
    event = {"id": uuid4().hex, "amount": 1}
    with without("FailOpen", "dynamodb:PutItem"):
        assert deployed.invoke("FailOpen", event).error is None


def test_without_delete_item_a_failed_key_stays_blocked(
    deployed: Deployed, without: Without
) -> None:
    event = {"id": uuid4().hex, "amount": 1, "raise_once": True}
    with without("Default", "dynamodb:DeleteItem"):
        assert deployed.invoke("Default", event).error == "asked to"
        assert "is in progress" in str(deployed.invoke("Default", event).error)


def test_without_get_item_nobody_can_wait(deployed: Deployed, without: Without) -> None:
    event = {"id": uuid4().hex, "amount": 1, "die_in_attempt": 1}
    deployed.invoke("Wait", event)
    with without("Wait", "dynamodb:GetItem"):
        assert "get_item on table" in str(deployed.invoke("Wait", event).error)


def _trespass(deployed: Deployed, operation: str, **parameters: Any) -> str:
    """Return "done" or the error's code of an operation that a function tries by its own rights."""
    return str(
        deployed.invoke("Trespasser", {"operation": operation, "parameters": parameters}).payload
    )


def _by_id(record: str) -> dict[str, dict[str, Any]]:
    """Return the operations that a function may apply to its own records, each on one record."""
    name = {"id": {"S": record}}
    put, key = {"TableName": "TABLE", "Item": name}, {"TableName": "TABLE", "Key": name}
    return {
        "put_item": put,
        "get_item": key,
        "transact_write_items": {"TransactItems": [{"Put": put}]},
        "delete_item": key,
    }


_OPERATIONS: Final = tuple(_by_id(""))


@pytest.mark.parametrize("operation", _OPERATIONS)
@pytest.mark.parametrize("record", ["E2E/Default#{}", "pinned/x#{}", "pinned{}", "Pinned#{}"])
def test_a_foreign_record_is_out_of_reach(deployed: Deployed, record: str, operation: str) -> None:
    parameters = _by_id(record.format("0" * 64))[operation]
    assert "AccessDenied" in _trespass(deployed, operation, **parameters)


@pytest.mark.parametrize("operation", _OPERATIONS)
def test_the_own_records_are_in_reach(deployed: Deployed, operation: str) -> None:
    parameters = _by_id(f"pinned#{'0' * 64}")[operation]
    assert _trespass(deployed, operation, **parameters) == "done"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("scan", {}),
        (
            "query",
            {
                "KeyConditionExpression": "id = :id",
                "ExpressionAttributeValues": {":id": {"S": "pinned#0"}},
            },
        ),
        ("update_item", {"Key": {"id": {"S": "pinned#0"}}}),
        (
            "update_time_to_live",
            {"TimeToLiveSpecification": {"Enabled": False, "AttributeName": "expiration"}},
        ),
        ("delete_table", {}),
    ],
)
def test_nobody_may_list_records_or_change_the_table(
    deployed: Deployed, operation: str, parameters: dict[str, Any]
) -> None:
    assert "AccessDenied" in _trespass(deployed, operation, TableName="TABLE", **parameters)
