"""The grants are exactly what is needed: nothing less works, and nothing more is possible."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias
from uuid import uuid4

import pytest

from kit.deployed import Deployed

Without: TypeAlias = Callable[[str, str], AbstractContextManager[None]]


@pytest.fixture
def without(deployed: Deployed) -> Without:
    """Takes one action from a function's rights on its records, for a while."""

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


def test_a_write_to_a_foreign_namespace_is_denied(deployed: Deployed) -> None:
    record = f"Default#{'0' * 64}"
    assert "AccessDenied" in deployed.invoke("Trespasser", {"record": record}).payload


def test_a_write_to_the_own_namespace_is_allowed(deployed: Deployed) -> None:
    record = f"pinned#{'0' * 64}"
    assert deployed.invoke("Trespasser", {"record": record}).payload == "written"
