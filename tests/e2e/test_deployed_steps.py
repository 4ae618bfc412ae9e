"""A deployed function whose process dies after each line of an order: nothing happens twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import uuid4

import pytest

from kit.aws.deployed import Deployed
from kit.redis.app import RedisForApp

pytestmark = pytest.mark.xdist_group("deployed")

LINES: Final = ("charging", "charged", "reserving", "reserved")


def _placed(
    deployed: Deployed, function: str, end_lease: Callable[[], None]
) -> tuple[str, dict[str, str]]:
    """Place an order whose process dies at each line, one after another. Return its id, and the
    answer."""
    order = uuid4().hex
    for line in LINES:
        assert deployed.invoke(function, {"id": order, "dies": line}).error is not None
        end_lease()
    answer = deployed.invoke(function, {"id": order, "dies": ""})
    assert answer.error is None
    assert deployed.invoke(function, {"id": order, "dies": ""}) == answer
    return order, answer.payload


def test_an_order_killed_after_each_line_has_one_charge_one_reservation_one_answer(
    deployed: Deployed,
) -> None:
    order, answer = _placed(deployed, "Order", lambda: deployed.end_lease("Order"))
    assert (deployed.effects(order), deployed.reserved(order)) == (1, 1)
    # The second process recorded the charge, the fourth the reservation, the fifth answered.
    assert len({answer["charge"], answer["stock"], answer["by"]}) == 3


def test_an_order_killed_after_each_line_goes_on_from_its_steps_in_redis(
    deployed: Deployed, redis_of_worker: RedisForApp
) -> None:
    with redis_of_worker.server.admin() as admin:

        def end_lease() -> None:
            for key in admin.keys("Away/RedisShop/Handler#*"):
                if admin.hget(key, "status") in (b"INPROGRESS", "INPROGRESS"):
                    admin.hset(key, "in_progress_expiration", 1)

        _, answer = _placed(deployed, "AwayRedisShop", end_lease)
    assert len({answer["charge"], answer["stock"], answer["by"]}) == 3


def test_the_writes_of_a_step_need_the_rights_of_their_actions(deployed: Deployed) -> None:
    order = uuid4().hex
    role, name, document = deployed.policy("Order")
    kept = [s for s in document["Statement"] if "dynamodb:UpdateItem" not in s["Action"]]
    assert len(kept) == len(document["Statement"]) - 1
    deployed.put_policy(role, name, {**document, "Statement": kept})
    try:
        refused = deployed.invoke("Order", {"id": order})
    finally:
        deployed.put_policy(role, name, document)
    assert "The writes of step 'stock'" in str(refused.error)
    assert "AccessDenied" in str(refused.error)
    assert deployed.reserved(order) == 0
    assert deployed.invoke("Order", {"id": order}).error is None
    assert (deployed.effects(order), deployed.reserved(order)) == (1, 1)
