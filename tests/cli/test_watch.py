"""`watch`: a line for each change, until there can be no other."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from cli.conftest import Shop
from lambda_idempotency.protocol.record import Record

pytestmark = pytest.mark.xdist_group("cli")

Watch = Callable[..., None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Return a function that says what happens in each pause."""

    def happen(*events: Callable[[], object]) -> None:
        left = iter(events)
        monkeypatch.setattr("cdk_idempotency_cli.commands.watch.time.sleep", lambda _: next(left)())

    return happen


def test_each_change_has_a_line_until_the_record_is_completed(shop: Shop, meanwhile: Watch) -> None:
    record = shop.live()
    ended = record._replace(lease_end=int(time.time() * 1000) - 1000)
    other = record._replace(owner="b" * 32, attempt=2)
    done = Record(shop.key, "COMPLETED", other.owner, 2, record.expiration)
    plant = shop.harness.plant
    meanwhile(lambda: None, lambda: plant(ended), lambda: plant(other), lambda: plant(done))
    ran = shop.run("watch", shop.key, "--json")
    assert ran.code == 0
    assert [(each["state"], each["attempt"]) for each in ran.json] == [
        ("live", 1),
        ("orphan", 1),
        ("live", 2),
        ("completed", 2),
    ]


def test_people_are_told_when_the_lease_ends(shop: Shop, meanwhile: Watch) -> None:
    shop.live()
    meanwhile(lambda: shop.plant(status="PARKED"))
    lines = shop.run("watch", shop.key).out.splitlines()
    assert lines[0].startswith("live, attempt 1, its lease ends in ")
    assert lines[1] == "parked, attempt 1"


def test_a_record_that_goes_away_ends_it(shop: Shop, meanwhile: Watch) -> None:
    record = shop.live()
    meanwhile(lambda: shop.harness.store.release(record.key, record.owner))
    assert shop.run("watch", shop.key).code == 3


def test_it_gives_up_when_its_time_is_over(shop: Shop, meanwhile: Watch) -> None:
    shop.live()
    meanwhile()
    ran = shop.run("watch", shop.key, "--timeout", "0")
    assert ran.code == 4
    assert "still live" in ran.err
