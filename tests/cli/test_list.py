"""`list` and `purge`: many records, by state, age and namespace."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from cdk_idempotency_cli.records.dynamodb import DynamoDBRecords
from cli.conftest import Shop
from kit.operator import Ran
from lambda_idempotency.protocol.record import Record

pytestmark = pytest.mark.xdist_group("cli")

DAY = 24 * 3600
_NUMBERS = count()


class Shelf:
    """Records in a namespace of their own."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.namespace = f"shelf{next(_NUMBERS)}"
        now = int(time.time())
        self.live = self._put("live", status="INPROGRESS", lease_end=(now + 600) * 1000)
        self.orphan = self._put("orphan", status="INPROGRESS", lease_end=(now - 3 * 3600) * 1000)
        self.parked = self._put("parked", status="PARKED", expiration=now + 4 * DAY)
        self.fresh = self._put("fresh", expiration=now + 2 * DAY - 60)
        self.old = self._put("old", expiration=now + 60, data='{"card": "4111"}')

    def _put(self, name: str, **fields: Any) -> Record:
        return self.shop.plant(key=f"{self.namespace}#{name}", **fields)

    def run(self, command: str, *arguments: str, types: str | None = None) -> Ran:
        """Run a command on these records."""
        own = ("--namespace", self.namespace, *self.shop.lists)
        return self.shop.run(command, *arguments, *own, types=types)

    def listed(self, *arguments: str) -> set[str]:
        """Return the names of the records that are listed."""
        ran = self.run("list", "--json", *arguments)
        assert ran.code == 0, ran.err
        return {each["id"].rpartition("#")[2] for each in ran.json}

    @property
    def names(self) -> set[str]:
        """The names of the records that are there."""
        return self.listed()


@pytest.fixture
def shelf(shop: Shop) -> Shelf:
    return Shelf(shop)


def test_the_records_of_a_namespace_are_listed_without_their_answers(shelf: Shelf) -> None:
    ran = shelf.run("list")
    assert ran.code == 0
    for name in ("live", "orphan", "parked", "fresh", "old"):
        assert f"{shelf.namespace}#{name}" in ran.out
    assert "4111" not in ran.out
    assert "shop#" not in ran.out


def test_they_are_listed_by_state(shelf: Shelf) -> None:
    assert shelf.listed("--state", "orphan", "--state", "parked") == {"orphan", "parked"}


@pytest.mark.parametrize(
    ("older", "found"),
    [
        ("1h", {"orphan", "parked", "old"}),
        ("4h", {"parked", "old"}),
        ("9d", {"parked"}),
        ("11d", set()),
    ],
)
def test_they_are_listed_by_age(shelf: Shelf, older: str, found: set[str]) -> None:
    assert shelf.listed("--older-than", older, "--expires-after", "2d") == found


def test_an_age_that_nobody_knows_is_asked_for(shelf: Shelf) -> None:
    ran = shelf.run("list", "--older-than", "1h")
    assert ran.code == 2
    assert "--expires-after" in ran.err


@pytest.mark.parametrize("age", ["7", "d", "1w", "-1d", "1.5h"])
def test_an_age_that_is_none_is_refused(shelf: Shelf, age: str) -> None:
    ran = shelf.run("list", f"--older-than={age}")
    assert ran.code == 2
    assert "such as 30m, 12h or 7d" in ran.err


def test_they_are_counted(shelf: Shelf) -> None:
    [counted] = shelf.run("list", "--count", "--json").json
    assert counted == {"live": 1, "orphan": 1, "parked": 1, "completed": 2}


def test_no_more_are_listed_than_asked_for(shelf: Shelf) -> None:
    assert len(shelf.listed("--limit", "2")) == 2


def test_neither_answers_nor_steps_are_read_from_a_table(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Record] = []
    scan = DynamoDBRecords.scan

    def noted(self: Any, namespace: str | None) -> Any:
        for page in scan(self, namespace):
            read.extend(each.record for each in page)
            yield page

    monkeypatch.setattr(DynamoDBRecords, "scan", noted)
    assert len(shelf.names) == 5
    assert all(record.data is None and record.fingerprint is None for record in read)


@pytest.mark.parametrize("kind", ["redis", "cluster"])
def test_a_user_who_may_not_list_is_told_what_is_missing(
    shops: Callable[[str], Shop], kind: str
) -> None:
    ran = shops(kind).run("list")
    assert ran.code == 1
    assert "+scan" in ran.err


# purge --------------------------------------------------------------------------------------------


def test_the_records_of_a_state_are_purged_when_their_number_is_typed(shelf: Shelf) -> None:
    ran = shelf.run("purge", "--state", "parked", "--state", "orphan", types="2\n")
    assert ran.code == 0
    assert "2 are deleted" in ran.out
    assert shelf.names == {"live", "fresh", "old"}


def test_old_ones_alone_are_purged(shelf: Shelf) -> None:
    chosen = ("--state", "completed", "--older-than", "1d", "--expires-after", "2d")
    assert shelf.run("purge", *chosen, "--yes").code == 0
    assert shelf.names == {"live", "orphan", "parked", "fresh"}


@pytest.mark.parametrize("typed", ["y", "3", ""])
def test_another_number_purges_nothing(shelf: Shelf, typed: str) -> None:
    ran = shelf.run("purge", "--state", "parked", types=f"{typed}\n\n")
    assert ran.code != 0
    assert "parked" in shelf.names


def test_a_dry_run_purges_nothing(shelf: Shelf) -> None:
    ran = shelf.run("purge", "--state", "completed", "--dry-run")
    assert ran.out == "2 records are completed.\n"
    assert len(shelf.names) == 5


@pytest.mark.parametrize("states", [(), ("--state", "live")])
def test_neither_all_nor_live_records_are_purged(shelf: Shelf, states: tuple[str, ...]) -> None:
    assert shelf.run("purge", *states, "--yes").code == 2
    assert len(shelf.names) == 5


def test_a_record_that_changes_meanwhile_is_not_purged(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = int(time.time() + 600) * 1000

    def prompt(*_: object, **__: object) -> str:
        shelf.shop.harness.plant(shelf.orphan._replace(owner="b" * 32, lease_end=ends))
        return "1"

    monkeypatch.setattr("cdk_idempotency_cli.commands.purge.click.prompt", prompt)
    ran = shelf.run("purge", "--state", "orphan")
    assert ran.code == 4
    assert "1 have changed" in ran.err
    assert "orphan" in shelf.names
