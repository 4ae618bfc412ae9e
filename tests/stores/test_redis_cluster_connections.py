"""A cluster's connections: closed ones are replaced, passwords renewed, and no thread fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.aws.local import LocalAws
from kit.network.proxy import LossyProxy
from kit.redis.access import PASSWORD, USER, VERBS, Access, Clocks, Load, key_at, set_passwords
from kit.redis.binaries import VERSIONS, binary_of
from kit.redis.cluster import PRIMARIES, RedisCluster
from kit.redis.servers import until
from kit.redis.spares import SpareClusters
from lambda_idempotency.clients.net.pool import MAX_IDLE_S
from lambda_idempotency.clients.redis.parameter import ParameterClient
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


def _use(store: RedisStore, key: str) -> None:
    for verb in VERBS:
        VERBS[verb](store, key)


def _clients(cluster: RedisCluster) -> int:
    """Return the number of the user's connections."""
    count = 0
    for node in range(len(cluster.nodes)):
        with cluster.admin(node) as admin:
            count += sum(found["user"] == USER for found in admin.client_list())
    return count


def _kill(cluster: RedisCluster) -> None:
    for node in range(len(cluster.nodes)):
        with cluster.admin(node) as admin:
            admin.execute_command("CLIENT", "KILL", "USER", USER)


def test_connections_that_were_closed_are_replaced_without_an_error(
    store: RedisStore, cluster: RedisCluster, aws_proxy: LossyProxy
) -> None:
    _kill(cluster)
    for node in range(PRIMARIES):
        _use(store, key_at(cluster, node))
    assert aws_proxy.operations == []


@pytest.mark.parametrize(("idle", "replaced"), [(MAX_IDLE_S - 1, False), (MAX_IDLE_S + 1, True)])
def test_a_connection_is_trusted_for_its_idle_time(
    store: RedisStore,
    cluster: RedisCluster,
    monkeypatch: pytest.MonkeyPatch,
    idle: float,
    *,
    replaced: bool,
) -> None:
    key = key_at(cluster, 1)
    clocks = Clocks(monkeypatch)
    store.read(key)
    with cluster.admin(1) as admin:
        before = {found["id"] for found in admin.client_list() if found["user"] == USER}
        clocks.advance(idle)
        store.read(key)
        after = {found["id"] for found in admin.client_list() if found["user"] == USER}
    assert before
    assert (before != after) == replaced


def test_a_closed_client_leaves_no_connection_behind(
    client: ParameterClient, cluster: RedisCluster
) -> None:
    assert _clients(cluster) >= PRIMARIES
    client.close()
    until(lambda: _clients(cluster) == 0, "the connections are closed")
    _use(RedisStore(client), new_key())


def test_closing_disturbs_no_thread_that_uses_it(client: ParameterClient) -> None:
    load = Load(RedisStore(client))
    try:
        for _ in range(10):
            load.wait()
            client.close()
    finally:
        load.end()


def test_no_thread_fails_while_connections_end(
    client: ParameterClient, cluster: RedisCluster
) -> None:
    load = Load(RedisStore(client))
    try:
        for _ in range(5):
            load.wait()
            _kill(cluster)
    finally:
        load.end()


def test_no_thread_fails_while_the_password_rotates(
    client: ParameterClient, access: Access, cluster: RedisCluster, aws_proxy: LossyProxy
) -> None:
    load = Load(RedisStore(client))
    try:
        old = PASSWORD
        for number in range(3):
            load.wait()
            new = f"password {number}"
            set_passwords(cluster, old, new)
            _kill(cluster)
            access.keep({"username": USER, "password": new})
            set_passwords(cluster, new)
            _kill(cluster)
            old = new
            load.wait()
    finally:
        load.end()
    assert aws_proxy.operations.count("GetSecretValue") <= 3
