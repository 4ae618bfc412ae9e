"""Real servers, each kind started once for a file, and rotation worlds on them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from kit.aws.local import LocalAws
from kit.redis.cluster import RedisCluster
from kit.redis.servers import RedisServer
from kit.redis.spares import SpareClusters
from kit.rotation.world import RotationWorld


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """Restore the log levels that the function sets."""
    loggers = [logging.getLogger(name) for name in ("lambda_idempotency.rotation", "botocore")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def primary() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def replica(primary: RedisServer) -> Iterator[RedisServer]:
    with RedisServer(replica_of=primary, aclfile=True) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(clusters: SpareClusters) -> Iterator[RedisCluster]:
    with clusters.take() as cluster:
        yield cluster


@pytest.fixture
def world(local_aws: LocalAws, server: RedisServer) -> RotationWorld:
    """Return a world with one server."""
    return RotationWorld(local_aws, [server], server.settings())


@pytest.fixture
def pair(local_aws: LocalAws, primary: RedisServer, replica: RedisServer) -> RotationWorld:
    """Return a primary without an ACL file, and a replica with one."""
    return RotationWorld(local_aws, [primary, replica], primary.settings())


@pytest.fixture
def cluster_world(local_aws: LocalAws, cluster: RedisCluster) -> RotationWorld:
    """Return three primaries and a replica."""
    return RotationWorld(local_aws, cluster.nodes, cluster.settings())
