"""A process that forks while its client has an idle connection, and counts wrong answers.

Started as `python -m kit.forks KIND ROUNDS [WHERE]`, where WHERE is the parameter or the URL of a
Redis server. In each round the parent and its child read at the same time, each the record of its
own. Prints how many of the answers were wrong or missing.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import Final

# No more than is needed: the smaller a process, the faster it forks.
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.record import Claim, Completion, Conflict, Reply
from lambda_idempotency.stores.base import Store
from lambda_idempotency.stores.cached import CachedStore
from lambda_idempotency.stores.dynamodb import DynamoDBStore
from lambda_idempotency.stores.memory import MemoryStore
from lambda_idempotency.stores.redis import RedisStore

PARENT: Final = "shop#parent"
CHILD: Final = "shop#child"
TABLE: Final = "table"
ME: Final = "a" * 32
DAY_MS: Final = 24 * 3600 * 1000


def _boto3(_: str) -> Store:
    import boto3

    return DynamoDBStore(TABLE, client=boto3.client("dynamodb"))


def _redis(parameter: str) -> Store:
    from lambda_idempotency.clients.redis.parameter import ParameterClient

    return RedisStore(ParameterClient(parameter))


def _redis_py(url: str) -> Store:
    import redis

    return RedisStore(redis.Redis.from_url(url))


STORES: Final[dict[str, Callable[[str], Store]]] = {
    "memory": lambda _: MemoryStore(),
    "DynamoDB": lambda _: DynamoDBStore(TABLE),
    "DynamoDB, boto3": _boto3,
    "DynamoDB, cached": lambda _: CachedStore(DynamoDBStore(TABLE), 1),
    "Redis": _redis,
    "Redis, redis-py": _redis_py,
}


def _replies(store: Store, key: str) -> list[Reply]:
    replies = [store.read(key)]
    if isinstance(store, CachedStore):
        replies.append(store.claim(Claim(key, ME, 30_000, DAY_MS)))  # what was read is there now
    return replies


def _wrong(store: Store, key: str) -> bool:
    """Read a record. Tell whether the answer is not that record."""
    try:
        replies = _replies(store, key)
    except StoreError as error:
        print(error, file=sys.stderr)
        return True
    return any(
        not isinstance(reply, Conflict) or (reply.record.key, reply.record.data) != (key, key)
        for reply in replies
    )


def main(kind: str, rounds: str, where: str = "") -> None:
    """Fork, and print the number of wrong answers."""
    store = STORES[kind](where)
    for key in (PARENT, CHILD):
        store.complete(Completion(key, ME, 1, DAY_MS, data=key))
    wrong = int(_wrong(store, PARENT))
    gc.freeze()  # a child copies no page for its counts
    for _ in range(int(rounds)):
        child = os.fork()
        if child == 0:
            os._exit(_wrong(store, CHILD))
        wrong += _wrong(store, PARENT)
        wrong += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(wrong)


if __name__ == "__main__":
    main(*sys.argv[1:])
