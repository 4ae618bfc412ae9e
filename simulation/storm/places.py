"""The stores that the storm meets: a real Redis, and the local AWS, each behind a proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_urlsafe

from kit.aws.local import LocalAws
from kit.network.proxy import LossyProxy
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from lambda_idempotency.contract.names import PARTITION_KEY
from lambda_idempotency.contract.redis import access_string
from simulation.storm.troubles import DURABLE, Troubles, of_aws, of_redis
from simulation.storm.worker import NAMESPACE, PASSWORD, TABLE, USER, StoreName


@dataclass(frozen=True)
class Place:
    """The place of a store: Redis's port, the workers' environment, and what may happen to it."""

    port: int
    variables: dict[str, str]
    troubles: Troubles
    written: Callable[[], dict[str, int]]
    """Returns how often the writes of a step took effect, by key."""


@contextmanager
def place_of(store: StoreName) -> Iterator[Place]:
    """Start a store of its own, which ends with the block."""
    aws = LocalAws()
    if store == "redis":
        with (
            RedisServer(aclfile=True, config=DURABLE) as server,
            RedisProxy(server.plain_port) as proxy,
        ):
            password = token_urlsafe(24)
            server.add_user(USER, password, access_string([NAMESPACE], cluster=False))
            variables = {**aws.environment(), PASSWORD: password}
            yield Place(proxy.port, variables, of_redis(server, proxy, USER), dict)
        return
    with aws, LossyProxy(aws.port) as lossy:
        client = aws.client("dynamodb")
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": PARTITION_KEY, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": PARTITION_KEY, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        variables = {**aws.environment(), "AWS_ENDPOINT_URL": lossy.endpoint}

        def written() -> dict[str, int]:
            pages = client.get_paginator("scan").paginate(TableName=TABLE)
            rows = [row for page in pages for row in page["Items"] if "taken" in row]
            return {row[PARTITION_KEY]["S"]: int(row["taken"]["N"]) for row in rows}

        yield Place(0, variables, of_aws(aws, lossy), written)
