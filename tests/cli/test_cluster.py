"""A Redis cluster: each record is on a node of its own, and a list asks all of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cli.conftest import Shop

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def cluster(shops: Callable[[str], Shop]) -> Shop:
    return shops("cluster")


def test_a_record_is_shown_parked_and_released(cluster: Shop) -> None:
    cluster.orphan()
    states = []
    for command in ("park", "release"):
        states.append(cluster.run("show", cluster.key, "--json").json[0]["state"])
        assert cluster.run(command, cluster.key, "--yes").code == 0
    assert states == ["orphan", "parked"]
    assert cluster.harness.stored() is None


def test_the_records_of_all_nodes_are_listed_and_purged(cluster: Shop) -> None:
    keys = {f"nodes#{number}" for number in range(30)}
    for key in keys:
        cluster.plant(key=key, status="PARKED")
    chosen = ("--namespace", "nodes", *cluster.lists)
    listed = cluster.run("list", *chosen, "--json").json
    assert sorted(each["id"] for each in listed) == sorted(keys)
    assert cluster.run("purge", "--state", "parked", *chosen, "--yes").code == 0
    assert cluster.run("list", *chosen, "--json").json == []
