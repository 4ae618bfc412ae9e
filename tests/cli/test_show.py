"""`show`: one record, without what it hides."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from cli.conftest import Shop
from lambda_idempotency.response.steps import StepData, packed

pytestmark = pytest.mark.xdist_group("cli")

ANSWER = '{"card": "4111"}'


def test_a_completed_record_is_shown_without_its_answer(shop: Shop) -> None:
    shop.plant(data=ANSWER)
    ran = shop.run("show", shop.key)
    assert ran.code == 0
    assert "completed" in ran.out
    assert "4111" not in ran.out
    assert "digest" not in ran.out


def test_its_answer_is_shown_to_those_who_ask(shop: Shop) -> None:
    shop.plant(data=ANSWER)
    ran = shop.run("show", shop.key, "--reveal")
    assert "4111" in ran.out
    assert "digest" in ran.out


def test_programs_get_json(shop: Shop) -> None:
    record = shop.live(attempt=2)
    [shown] = shop.run("show", shop.key, "--json").json
    assert shown["id"] == shop.key
    assert shown["state"] == "live"
    assert shown["attempt"] == 2
    assert shown["owner"] == record.owner
    assert shown["lease_ends"].endswith("Z")
    assert "answer" not in shown


def test_programs_get_the_answer_if_they_ask(shop: Shop) -> None:
    shop.plant(data=ANSWER)
    [shown] = shop.run("show", shop.key, "--json", "--reveal").json
    assert shown["answer"] == {"card": "4111"}


@pytest.mark.parametrize("state", ["orphan", "given-up", "parked"])
def test_the_state_is_told(shop: Shop, state: str) -> None:
    if state == "orphan":
        shop.orphan()
    elif state == "parked":
        shop.plant(status="PARKED")
    else:
        shop.plant(status="INPROGRESS", lease_end=0, steps="{}")
    [shown] = shop.run("show", shop.key, "--json").json
    assert shown["state"] == state


def test_an_expired_record_that_dynamodb_still_has_is_shown(
    shops: Callable[[str], Shop],
) -> None:
    shop = shops("dynamodb")
    shop.plant(expiration=int(time.time()) - 60)
    assert shop.run("show", shop.key, "--json").json[0]["state"] == "expired"


def test_a_record_that_is_not_there_has_an_exit_code_of_its_own(shop: Shop) -> None:
    ran = shop.run("show", shop.key)
    assert ran.code == 3
    assert ran.err.startswith(f"Error: There is no record {shop.key} in ")


def test_the_names_of_the_steps_are_shown_to_those_who_ask(shop: Shop) -> None:
    steps = packed({"charge": StepData("{}", "plain")})
    shop.orphan(steps=steps)
    hidden, shown = (shop.run("show", shop.key, *more).out for more in ((), ("--reveal",)))
    assert "charge" not in hidden
    assert "hidden" in hidden
    assert "charge" in shown
