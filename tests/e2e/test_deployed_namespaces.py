"""Services that share a table, a bucket or a Redis server share nothing in it, whatever their
functions are called.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any, Final
from uuid import uuid4

import pytest

from e2e.shops import SERVICES
from kit.aws.deployed import Deployed

pytestmark = pytest.mark.xdist_group("deployed")

DENIED: Final = {"Shop": "AccessDeniedException", "RedisShop": "NOPERM"}
"""The shops by where their records are, with the answer to one who asks for those of another."""

Answers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def order() -> dict[str, Any]:
    """Return an order that each service is given. The answer to it is large."""
    return {"id": uuid4().hex, "size": 2000}


@pytest.fixture(scope="module")
def answers(deployed: Deployed, order: dict[str, Any]) -> dict[str, Answers]:
    """Return the answers of all services, by the kind of their shop."""
    return {
        shop: {name: deployed.answer(f"{name}{shop}", order) for name in SERVICES}
        for shop in DENIED
    }


@pytest.mark.parametrize("shop", DENIED)
def test_each_service_runs_and_gets_its_own_answer(
    deployed: Deployed, order: dict[str, Any], answers: dict[str, Answers], shop: str
) -> None:
    for name, stack in SERVICES.items():
        answer = answers[shop][name]
        assert (answer["by"], answer["created"]) == (name, order["id"])
        assert answer["record"].startswith(f"{stack}/{shop}/Handler#")
        assert deployed.answer(f"{name}{shop}", order) == answer


@pytest.mark.parametrize("shop", DENIED)
def test_no_service_may_read_the_record_of_another(
    deployed: Deployed, answers: dict[str, Answers], shop: str
) -> None:
    for one, other in permutations(SERVICES, 2):
        event = {"read": answers[shop][other]["record"]}
        assert DENIED[shop] in deployed.invoke(f"{one}{shop}", event).payload, (one, other)
    for name in SERVICES:
        event = {"read": answers[shop][name]["record"]}
        assert deployed.invoke(f"{name}{shop}", event).payload == "done"


def test_no_service_may_reach_the_large_responses_of_another(
    deployed: Deployed, answers: dict[str, Answers]
) -> None:
    objects = {
        name: deployed.object_of("shared-responses", answers["Shop"][name]["record"])
        for name in SERVICES
    }
    for one, other in permutations(SERVICES, 2):
        for verb in ("get_object", "put_object", "delete_object"):
            event = {"object": objects[other], "verb": verb}
            assert deployed.invoke(f"{one}Shop", event).payload == "AccessDenied", (one, other)
    for name in SERVICES:
        event = {"object": objects[name], "verb": "get_object"}
        assert deployed.invoke(f"{name}Shop", event).payload == "done"


def test_two_handlers_of_one_service_are_two_operations(
    deployed: Deployed, order: dict[str, Any], answers: dict[str, Answers]
) -> None:
    cancelled = deployed.answer("AwayShop", {**order, "cancel": True})
    assert cancelled["cancelled"] == order["id"]
    assert cancelled["record"] != answers["Shop"]["Away"]["record"]
