"""The rights of a Redis user that the documentation asks for: enough, and none too many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from kit.aws.local import LocalAws
from kit.redis.access import (
    NAMESPACE,
    USER,
    VERBS,
    WRITES,
    Access,
    Clocks,
    completion,
    invocation,
)
from kit.redis.binaries import VERSIONS, binary_of
from kit.redis.cluster import PRIMARIES, RedisCluster
from kit.redis.servers import RedisServer
from kit.redis.spares import SpareClusters
from lambda_idempotency.contract.redis import CLUSTER_COMMANDS, COMMANDS, access_string
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.record import Absent, Applied
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.testing.store_harness import new_key

CLUSTERS = [f"cluster {version}" for version in VERSIONS]
PLACES = [*(f"server {version}" for version in VERSIONS), *CLUSTERS]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A server or a cluster, with a parameter and a secret of its own."""

    server: Any
    access: Access
    cluster: bool

    def store(self, rules: str, **overrides: Any) -> RedisStore:
        """A store whose user has these rights, on a server that knows no script."""
        for number in range(len(self.server.nodes) if self.cluster else 1):
            with self.server.admin(number) if self.cluster else self.server.admin() as admin:
                admin.script_flush()
        self.server.add_user(USER, "password", rules)
        credentials = self.access.keep({"username": USER, "password": "password"})
        self.access.publish(self.server.settings(credentials=credentials, **overrides))
        return RedisStore(self.access.client())


@pytest.fixture(scope="module", params=PLACES)
def place(
    request: pytest.FixtureRequest, local_aws: LocalAws, clusters: SpareClusters
) -> Iterator[Place]:
    """A server and a cluster of each version."""
    kind, version = request.param.split()
    binary = binary_of(version)
    made: AbstractContextManager[RedisCluster | RedisServer] = (
        clusters.take(binary) if kind == "cluster" else RedisServer(binary=binary)
    )
    with made as server, Access(local_aws) as access:
        if isinstance(server, RedisCluster):
            server.migrate_slot(_moving(0), (server.owner(_moving(0)) + 1) % PRIMARIES)
        yield Place(server=server, access=access, cluster=kind == "cluster")


@pytest.fixture(autouse=True)
def clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is refused after all the tries that an invocation has, in no time."""
    Clocks(monkeypatch)


def _moving(number: int) -> str:
    """A key of the slot that is on its way in the cluster."""
    return f"{NAMESPACE}#{{moving}}{number}"


def _use(store: RedisStore) -> None:
    """All verbs, each over nothing and over a record, on many keys."""
    for number in range(8):
        key = _moving(number) if number % 4 == 0 else new_key()
        for verb in ("read", "release", "claim", "read", "release", "claim", "complete"):
            VERBS[verb](store, key)


def _rules(place: Place, *, without: str = "") -> str:
    rules = access_string([NAMESPACE], cluster=place.cluster).split()
    return " ".join(rule for rule in rules if rule != f"+{without}")


def test_the_documented_rights_are_enough(place: Place) -> None:
    _use(place.store(_rules(place)))


def _check_needed(place: Place, command: str) -> None:
    store = place.store(_rules(place, without=command))
    said = r"see access_string\(\)|the user lacks \+cluster\|slots"
    with invocation(2.0), pytest.raises(StoreError, match=said):
        _use(store)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_of_the_documented_rights_is_needed(place: Place, command: str) -> None:
    _check_needed(place, command)


@pytest.mark.parametrize("command", CLUSTER_COMMANDS)
@pytest.mark.parametrize("place", CLUSTERS, indirect=True)
def test_each_right_to_a_cluster_is_needed(place: Place, command: str) -> None:
    _check_needed(place, command)


@pytest.mark.parametrize("key", ["orders#1", "shop1#1", "shop", "sho#p", "#1"])
def test_the_records_of_another_namespace_are_out_of_reach(place: Place, key: str) -> None:
    store = place.store(_rules(place))
    for verb in VERBS:
        with pytest.raises(StoreError, match="NOPERM"):
            VERBS[verb](store, key)


def test_one_user_may_serve_several_namespaces(place: Place) -> None:
    store = place.store(access_string(["shop", "orders/v1.2_x-y"], cluster=place.cluster))
    for key in (new_key(), "orders/v1.2_x-y#1"):
        for verb in WRITES:
            assert isinstance(VERBS[verb](store, key), Applied)


def test_another_database_needs_one_right_more(local_aws: LocalAws) -> None:
    with RedisServer() as server, Access(local_aws) as access:
        place = Place(server=server, access=access, cluster=False)
        store = place.store(access_string([NAMESPACE], cluster=False, database=3), database=3)
        _use(store)
        key = new_key()
        store.complete(completion(key))
        with server.admin(db=3) as chosen, server.admin() as first:
            assert chosen.exists(key)
            assert not first.exists(key)
        assert isinstance(place.store(_rules(place)).read(key), Absent)
        store = place.store(_rules(place), database=3)
        said = "does not let this user into `database`"
        with invocation(2.0), pytest.raises(StoreError, match=said):
            store.read(key)
