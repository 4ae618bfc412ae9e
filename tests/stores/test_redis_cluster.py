"""The Redis store on a cluster, while slots move and primaries change."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from kit.aws.local import LocalAws
from kit.network.proxy import LossyProxy
from kit.redis.access import (
    NAMESPACE,
    VERBS,
    WRITES,
    Access,
    Clocks,
    Load,
    claim,
    completion,
    invocation,
    key_at,
)
from kit.redis.binaries import VERSIONS, binary_of, has_tls, server_binary
from kit.redis.cluster import PRIMARIES, Migration, RedisCluster
from kit.redis.servers import RedisServer, until
from kit.redis.spares import SpareClusters
from lambda_idempotency.clients.redis.parameter import ParameterClient
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.record import Absent, Applied, Conflict
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.testing.store_harness import new_key


@pytest.fixture(scope="module", params=VERSIONS)
def cluster(request: pytest.FixtureRequest, clusters: SpareClusters) -> Iterator[RedisCluster]:
    """Yield a cluster of each version."""
    with clusters.take(binary_of(request.param)) as cluster:
        yield cluster


@pytest.fixture
def aws_proxy(local_aws: LocalAws) -> Iterator[LossyProxy]:
    """Yield a proxy that records the requests to the local AWS."""
    with LossyProxy(local_aws.port) as proxy:
        yield proxy


@pytest.fixture
def access(local_aws: LocalAws, aws_proxy: LossyProxy) -> Iterator[Access]:
    """Yield a parameter and a secret for one test alone."""
    with Access(local_aws, aws_proxy.endpoint) as access:
        yield access


@pytest.fixture
def client(access: Access, cluster: RedisCluster, aws_proxy: LossyProxy) -> ParameterClient:
    """Return a client with connections to all nodes."""
    access.publish_cluster(cluster)
    client = access.client()
    for node in range(PRIMARIES):
        RedisStore(client).read(key_at(cluster, node))
    aws_proxy.operations.clear()
    return client


@pytest.fixture
def store(client: ParameterClient) -> RedisStore:
    return RedisStore(client)


def _like(key: str, number: int) -> str:
    """Return another key of the same slot."""
    return f"{NAMESPACE}#{{{key}}}{number}"


# All nodes ----------------------------------------------------------------------------------------


def test_each_record_is_on_the_node_of_its_slot(store: RedisStore, cluster: RedisCluster) -> None:
    for node in range(PRIMARIES):
        key = key_at(cluster, node)
        assert isinstance(store.claim(claim(key)), Applied)
        with cluster.admin(node) as admin:
            assert admin.exists(key)
        assert isinstance(store.complete(completion(key)), Applied)
        assert isinstance(store.read(key), Conflict)


def test_nothing_is_asked_that_a_script_over_one_key_does_not_need(
    access: Access, cluster: RedisCluster
) -> None:
    access.publish_cluster(cluster)
    for node in range(PRIMARIES):
        with cluster.admin(node) as admin:
            admin.config_resetstat()
            admin.acl_log_reset()
    store = RedisStore(access.client())
    for node in range(PRIMARIES):
        for verb in VERBS:
            VERBS[verb](store, key_at(cluster, node))
    for node in range(PRIMARIES):
        with cluster.admin(node) as admin:
            assert {entry["object"] for entry in admin.acl_log()} <= {"info"}
            asked = {name.removeprefix("cmdstat_") for name in admin.info("commandstats")}
        # These need no right.
        assert not asked & {"hello", "reset"}


def test_a_client_of_redis_py_serves_too(cluster: RedisCluster) -> None:
    first = cluster.nodes[0]
    with redis.RedisCluster(
        host=first.host, port=first.port, password=first.admin_password
    ) as client:
        store = RedisStore(client)
        for node in range(PRIMARIES):
            for verb in VERBS:
                assert isinstance(
                    VERBS[verb](store, key_at(cluster, node)), Applied if verb in WRITES else Absent
                )


@pytest.mark.skipif(not has_tls(server_binary()), reason="no Redis with TLS on this machine")
def test_a_cluster_may_speak_tls(access: Access) -> None:
    with RedisCluster(tls=True) as cluster:
        access.publish_cluster(cluster)
        store = RedisStore(access.client())
        for node in range(PRIMARIES):
            assert isinstance(store.claim(claim(key_at(cluster, node))), Applied)


# Slots that move ----------------------------------------------------------------------------------


def _check(store: RedisStore, key: str) -> None:
    """Check all verbs, over nothing and over a record."""
    assert isinstance(store.read(key), Absent)
    assert isinstance(store.claim(claim(key)), Applied)
    assert isinstance(store.claim(claim(key)), Conflict)
    assert isinstance(store.release(key, "a" * 32), Applied)
    assert isinstance(store.claim(claim(key)), Applied)
    assert isinstance(store.complete(completion(key)), Applied)
    assert isinstance(store.read(key), Conflict)


def _check_records(store: RedisStore, *keys: str) -> None:
    """Check that held records are still held, and can be completed."""
    for key in keys:
        assert isinstance(store.claim(claim(key, owner="b" * 32)), Conflict)
        assert isinstance(store.complete(completion(key)), Applied)


PHASES: list[Callable[[Migration, list[str]], None]] = [
    lambda migration, keys: None,
    lambda migration, keys: migration.move(*keys[::2]),
    lambda migration, keys: migration.move(),
    lambda migration, keys: migration.finish(),
]


@pytest.mark.parametrize("phase", range(len(PHASES)), ids=["begun", "half", "moved", "finished"])
@pytest.mark.parametrize("warm", [True, False])
def test_a_slot_moves_while_calls_run(
    store: RedisStore, access: Access, cluster: RedisCluster, phase: int, *, warm: bool
) -> None:
    first = key_at(cluster, 0)
    keys = [_like(first, number) for number in range(6)]
    for key in keys:
        store.claim(claim(key))
    migration = cluster.migrate_slot(keys[0], 2)
    try:
        PHASES[phase](migration, keys)
        used = store if warm else RedisStore(access.client())
        _check_records(used, *keys)
        _check(used, _like(first, 7))
        for node in range(PRIMARIES):
            _check(used, key_at(cluster, node))
    finally:
        migration.finish()
    _check(store, _like(first, 8))


def test_a_slot_moves_to_a_node_that_had_none(
    access: Access, aws_proxy: LossyProxy, clusters: SpareClusters
) -> None:
    """No node tells a client of such a node until a key has been sent there."""
    with clusters.take() as cluster:
        joined = RedisServer(cluster=True, admin_password=cluster.admin_password)
        with joined:
            _join(cluster, joined)
            access.publish_cluster(cluster)
            store = RedisStore(access.client())
            first = key_at(cluster, 0)
            keys = [_like(first, number) for number in range(4)]
            for key in keys:
                store.claim(claim(key))
            migration = cluster.migrate_slot(first, len(cluster.nodes) - 1)
            _check(store, _like(first, 7))
            migration.move(*keys[:2])
            _check_records(store, *keys)
            _check(store, _like(first, 8))
            migration.finish()
            _check(store, _like(first, 9))
            assert aws_proxy.operations.count("GetParameter") == 1


def _join(cluster: RedisCluster, joined: RedisServer) -> None:
    """Add a fourth primary, without slots."""
    cluster.nodes.append(joined)
    number = len(cluster.nodes) - 1
    cluster._names.append(cluster.ask(number, "MYID"))
    cluster.ask(number, "SET-CONFIG-EPOCH", 10)
    cluster.ask(0, "MEET", joined.host, joined.port)
    until(cluster._all_met, "all nodes know each other")
    until(cluster.is_ok, "the cluster is ok")


def test_no_thread_fails_while_slots_move(store: RedisStore, cluster: RedisCluster) -> None:
    load = Load(store)
    try:
        for number in range(3):
            key = key_at(cluster, number)
            migration = cluster.migrate_slot(key, (number + 1) % PRIMARIES)
            load.wait()
            migration.finish()
            load.wait()
    finally:
        load.end()


# Primaries that change ----------------------------------------------------------------------------


@pytest.fixture(params=VERSIONS)
def own_cluster(request: pytest.FixtureRequest, clusters: SpareClusters) -> Iterator[RedisCluster]:
    """Yield a cluster of each version, which the test may spoil."""
    with clusters.take(binary_of(request.param)) as cluster:
        yield cluster


def test_no_thread_fails_while_a_replica_takes_over(
    access: Access, own_cluster: RedisCluster
) -> None:
    access.publish_cluster(own_cluster)
    load = Load(RedisStore(access.client()))
    try:
        load.wait()
        own_cluster.promote_replica()
        load.wait()
    finally:
        load.end()


def test_a_primary_that_died_is_followed_to_its_replica(
    access: Access, own_cluster: RedisCluster
) -> None:
    access.publish_cluster(own_cluster)
    waits: list[float] = []

    def promote(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            own_cluster.promote_replica("TAKEOVER")

    store = RedisStore(access.client(sleep=promote))
    keys = [key_at(own_cluster, node) for node in range(PRIMARIES)]
    for key in keys:
        store.claim(claim(key))
    with own_cluster.admin(0) as admin:
        assert admin.wait(1, 10_000) == 1  # the replica has the record
    own_cluster.nodes[0].kill()
    _check_records(store, *keys)
    assert waits
    for node in (1, 2, 3):
        _check(store, key_at(own_cluster, node))


def test_the_other_nodes_serve_while_one_is_gone(
    access: Access, own_cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They serve after the configuration endpoint, which was the lost node, is gone."""
    Clocks(monkeypatch)
    with own_cluster.admin(1) as admin1, own_cluster.admin(2) as admin2:
        for admin in (admin1, admin2):
            admin.config_set("cluster-require-full-coverage", "no")
    access.publish_cluster(own_cluster)
    store = RedisStore(access.client())
    lost, *kept = [key_at(own_cluster, node) for node in range(PRIMARIES)]
    for key in (lost, *kept):
        store.claim(claim(key))
    own_cluster.nodes[0].kill()
    _check_records(store, *kept)
    with (
        invocation(3),
        pytest.raises(StoreError, match=r"the cluster is down|the connection was refused"),
    ):
        store.complete(completion(lost))
    for key in kept:
        assert isinstance(store.read(key), Conflict)


def test_a_cluster_that_is_gone_is_looked_up_at_its_new_endpoint(
    access: Access, own_cluster: RedisCluster, cluster: RedisCluster
) -> None:
    access.publish_cluster(own_cluster)
    store = RedisStore(access.client())
    store.read(new_key())
    access.publish_cluster(cluster)
    for node in own_cluster.nodes:
        node.kill()
    _check(store, new_key())
