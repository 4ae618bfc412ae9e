"""Records in each kind of store, an operator, and a command line that leads to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from kit.aws.local import LocalAws
from kit.harnesses import DynamoDBHarness, RedisHarness, boto_client, create_table
from kit.operator import Operator, Ran
from kit.redis.access import NAMESPACE, Access
from kit.redis.cluster import RedisCluster
from kit.redis.servers import RedisServer
from lambda_idempotency.protocol.record import Record
from lambda_idempotency.testing.store_harness import StoreHarness

TABLE = "operated"
LISTER = "lister"
"""The secret of a Redis user who may list keys."""


@dataclass(frozen=True)
class Shop:
    """A store with the records of a shop, and its operator."""

    operator: Operator
    harness: StoreHarness
    place: tuple[str, ...]
    """The options that lead to the store."""
    lists: tuple[str, ...]
    """What `list` needs beside them."""

    @property
    def key(self) -> str:
        """The id of a record that no other test uses."""
        return self.harness.key

    def run(self, command: str, *arguments: str, types: str | None = None) -> Ran:
        """Run a command on this store."""
        return self.operator.run(command, *arguments, *self.place, types=types)

    def plant(self, **fields: Any) -> Record:
        """Put a record: by default a completed one, which expires in an hour."""
        now = int(time.time())
        defaults: dict[str, Any] = {
            "key": self.key,
            "status": "COMPLETED",
            "owner": "a" * 32,
            "attempt": 1,
            "expiration": now + 3600,
            "fingerprint": "digest",
        }
        if fields.get("status") == "INPROGRESS":
            defaults["revision"] = 3
        return self.harness.plant(Record(**{**defaults, **fields}))

    def live(self, **fields: Any) -> Record:
        """Put a record whose attempt may be running."""
        ends = int(time.time() * 1000) + 600_000
        return self.plant(status="INPROGRESS", lease_end=ends, **fields)

    def orphan(self, **fields: Any) -> Record:
        """Put a record whose attempt died."""
        ended = int(time.time() * 1000) - 60_000
        return self.plant(status="INPROGRESS", lease_end=ended, **fields)


Make = Callable[[], Shop]


@pytest.fixture(scope="session")
def shops(local_aws: LocalAws) -> Iterator[Callable[[str], Shop]]:
    """Yield a factory of shops; the servers start when they are first used."""
    made: dict[str, Make] = {}
    with ExitStack() as stack:

        def shop(kind: str) -> Shop:
            if kind not in made:
                made[kind] = _KINDS[kind](local_aws, stack)
            return made[kind]()

        yield shop


@pytest.fixture(params=["dynamodb", "redis"])
def shop(request: pytest.FixtureRequest, shops: Callable[[str], Shop]) -> Shop:
    """Return a shop on each store; test_cluster.py has what a cluster does in another way."""
    return shops(request.param)


def _dynamodb(aws: LocalAws, stack: ExitStack) -> Make:
    client = stack.enter_context(closing(boto_client(aws.endpoint)))
    create_table(client, TABLE)
    place = ("--table", TABLE)
    return lambda: Shop(Operator(aws), DynamoDBHarness(client, TABLE), place, ())


def _redis(aws: LocalAws, stack: ExitStack) -> Make:
    server = stack.enter_context(RedisServer())
    admin = stack.enter_context(server.admin())
    access = Access(aws)
    credentials = access.add_user(server, "shop-password")
    access.publish(
        {
            "host": server.host,
            "port": server.port,
            "tls": False,
            "credentials": {"type": "secretsmanager", **credentials._asdict()},
        }
    )
    return _redis_shop(aws, access, server, admin)


def _cluster(aws: LocalAws, stack: ExitStack) -> Make:
    cluster = stack.enter_context(RedisCluster())
    access = Access(aws)
    access.publish_cluster(cluster)
    node = cluster.nodes[0]
    admin = redis.RedisCluster(
        host=node.host, port=node.plain_port, password=cluster.admin_password
    )
    stack.callback(admin.close)
    return _redis_shop(aws, access, cluster, admin)


def _redis_shop(
    aws: LocalAws, access: Access, server: RedisServer | RedisCluster, admin: Any
) -> Make:
    lister = Access(aws)
    rights = f"on ~{NAMESPACE}#* ~* -@all +eval +evalsha +time +hgetall +hset +hdel +del "
    server.add_user(LISTER, "lister-password", f"{rights} +pexpireat +scan +cluster|slots")
    lister.keep({"username": LISTER, "password": "lister-password"})
    place = ("--parameter", access.parameter)
    lists = ("--redis-secret", lister.secret)
    return lambda: Shop(Operator(aws), RedisHarness(admin, admin), place, lists)


_KINDS = {"dynamodb": _dynamodb, "redis": _redis, "cluster": _cluster}
