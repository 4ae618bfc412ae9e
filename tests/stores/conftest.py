"""Fixtures of the stores' tests: the servers, and each store on its server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis

from kit.aws.local import LocalAws
from kit.harnesses import (
    CLIENTS,
    DynamoDBHarness,
    ExploredHarness,
    MemoryHarness,
    RedisHarness,
    boto_client,
    create_table,
)
from kit.network.processes import Server, free_port, listens
from kit.network.proxy import LossyProxy
from kit.redis.access import Access
from kit.redis.binaries import binary_of
from kit.redis.cluster import RedisCluster
from kit.redis.servers import RedisServer
from lambda_idempotency.testing.store_harness import StoreHarness
from simulation.explorer.backends import DynamoDBBackend, MemoryBackend

TABLE = "idempotency"


@pytest.fixture(scope="session")
def local_dynamodb(local_aws: LocalAws) -> Iterator[dict[str, Any]]:
    """Yield the clients of the local AWS, which has the table."""
    clients = {name: connect(local_aws.endpoint) for name, connect in CLIENTS.items()}
    create_table(clients["boto3"], TABLE)
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture(scope="session")
def moto_dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield a client of moto's server, which has the table: a second reading of DynamoDB's
    manual.
    """
    port = free_port()
    server = Server(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        log=tmp_path_factory.mktemp("moto") / "server.log",
        ready=lambda: listens(port),
    )
    try:
        client = boto_client(f"http://127.0.0.1:{port}")
        create_table(client, TABLE)
        yield client
        client.close()
    finally:
        server.stop()


@pytest.fixture
def proxy(local_aws: LocalAws) -> Iterator[LossyProxy]:
    """Yield a proxy between a store and the local AWS."""
    with LossyProxy(local_aws.port) as proxy:
        yield proxy


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the runtime's own client from trying again: its first pause would outlast a call."""
    monkeypatch.setattr("lambda_idempotency.clients.net.retry.PAUSES_S", (60.0,))
    monkeypatch.setattr(os, "urandom", lambda size: b"\xff" * size)


@pytest.fixture(params=CLIENTS)
def dynamodb(request: pytest.FixtureRequest, local_dynamodb: dict[str, Any]) -> DynamoDBHarness:
    """Return the DynamoDB store on the local AWS, with each client in turn."""
    return DynamoDBHarness(local_dynamodb[request.param], TABLE)


HARNESSES = (
    *("memory", "memory cached", "dynamodb", "dynamodb light", "dynamodb on moto"),
    *("explored memory", "explored dynamodb"),
    *("redis 6.2", "redis 7", "redis acl", "redis tls", "redis cluster"),
)


UNLOCKED = ("dynamodb on moto", "explored memory", "explored dynamodb")
"""The stores that check a condition and write without a lock."""


@pytest.fixture(params=HARNESSES)
def harness(request: pytest.FixtureRequest) -> StoreHarness:
    """Return each store in turn."""
    return _harness(request)


@pytest.fixture(params=[harness for harness in HARNESSES if harness not in UNLOCKED])
def atomic_harness(request: pytest.FixtureRequest) -> StoreHarness:
    """Return each store in turn, except those that two simultaneous callers would confuse."""
    return _harness(request)


@pytest.fixture(params=UNLOCKED)
def unlocked_harness(request: pytest.FixtureRequest) -> StoreHarness:
    """Return each of the other stores in turn."""
    return _harness(request)


def _harness(request: pytest.FixtureRequest) -> StoreHarness:
    if request.param == "explored memory":
        return ExploredHarness(MemoryBackend())
    if request.param == "explored dynamodb":
        return ExploredHarness(DynamoDBBackend())
    if request.param.startswith("memory"):
        return MemoryHarness(cached=request.param.endswith("cached"))
    if request.param.startswith("redis"):
        make: Callable[[str], StoreHarness] = request.getfixturevalue("redis_harnesses")
        return make(request.param)
    if request.param == "dynamodb on moto":
        return DynamoDBHarness(request.getfixturevalue("moto_dynamodb"), TABLE)
    clients = request.getfixturevalue("local_dynamodb")
    return DynamoDBHarness(clients["light" if request.param.endswith("light") else "boto3"], TABLE)


@pytest.fixture(scope="session")
def redis_harnesses(local_aws: LocalAws) -> Iterator[Callable[[str], RedisHarness]]:
    """Yield a factory of a `RedisHarness` on each kind of server, which starts when it is first
    used.
    """
    with ExitStack() as servers:
        clients: dict[str, tuple[Any, Any]] = {}

        def harness(kind: str) -> RedisHarness:
            if kind not in clients:
                clients[kind] = _redis(kind, local_aws, servers)
            return RedisHarness(*clients[kind])

        yield harness


def _redis(kind: str, aws: LocalAws, servers: ExitStack) -> tuple[Any, Any]:
    """Return a store's client of a new server, and an administrator's."""
    if kind in ("redis 6.2", "redis 7"):
        server = servers.enter_context(RedisServer(binary=binary_of(kind.removeprefix("redis "))))
        admin = servers.enter_context(server.admin())
        return admin, admin
    access = Access(aws)
    if kind == "redis cluster":
        cluster = servers.enter_context(RedisCluster())
        credentials = access.add_user(cluster, "cluster-password", cluster=True)
        access.publish(cluster.settings(credentials=credentials))
        node = cluster.nodes[0]
        admin = redis.RedisCluster(
            host=node.host,
            port=node.port,
            password=node.admin_password,
            protocol=2,
            driver_info=None,
        )
        servers.callback(admin.close)
    else:
        server = servers.enter_context(RedisServer(tls=kind == "redis tls"))
        access.publish(server.settings(credentials=access.add_user(server, "password")))
        admin = servers.enter_context(server.admin())
    client = access.client()
    servers.callback(client.close)
    return client, admin
