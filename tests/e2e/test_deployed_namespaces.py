"""Services that share a table share no record, whatever their functions are called."""

from __future__ import annotations

from itertools import permutations
from typing import Any, Final
from uuid import uuid4

import pytest

from kit.aws.deployed import Deployed

pytestmark = pytest.mark.xdist_group("deployed")

SERVICES: Final = {
    "Away": "Away/Shop/Handler",
    "Large": "Large/Shop/Handler",
    "Dev": "Dev-Stack/Shop/Handler",
    "Prod": "Prod-Stack/Shop/Handler",
}
"""The namespaces of two stacks and two stages."""


@pytest.fixture(scope="module")
def order() -> dict[str, Any]:
    """Return an order that each service is given."""
    return {"id": uuid4().hex}


@pytest.fixture(scope="module")
def answers(deployed: Deployed, order: dict[str, Any]) -> dict[str, Any]:
    """Return the answers of all services."""
    return {name: deployed.answer(f"{name}Shop", order) for name in SERVICES}


def test_each_service_runs_and_gets_its_own_answer(
    deployed: Deployed, order: dict[str, Any], answers: dict[str, Any]
) -> None:
    for name, namespace in SERVICES.items():
        assert (answers[name]["by"], answers[name]["created"]) == (name, order["id"])
        assert answers[name]["record"].startswith(f"{namespace}#")
        assert deployed.answer(f"{name}Shop", order) == answers[name]


@pytest.mark.parametrize(("one", "other"), [*permutations(SERVICES, 2)])
def test_no_service_may_read_the_record_of_another(
    deployed: Deployed, answers: dict[str, Any], one: str, other: str
) -> None:
    event = {"read": answers[other]["record"]}
    assert deployed.invoke(f"{one}Shop", event).payload == "AccessDeniedException"
    event = {"read": answers[one]["record"]}
    assert deployed.invoke(f"{one}Shop", event).payload == "done"


def test_two_handlers_of_one_service_are_two_operations(
    deployed: Deployed, order: dict[str, Any], answers: dict[str, Any]
) -> None:
    cancelled = deployed.answer("AwayShop", {**order, "cancel": True})
    assert cancelled["cancelled"] == order["id"]
    assert cancelled["record"] != answers["Away"]["record"]
