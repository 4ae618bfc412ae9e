"""A process that forks while it has an idle connection, and counts wrong answers.

Started as `python -m kit.redis.forks PARAMETER ROUNDS`, with Lambda's variables. In each round the
parent and its child read at the same time, each a record of its own. It prints how many of the
answers were wrong or missing.
"""

from __future__ import annotations

import os
import sys

from kit.redis.access import completion
from lambda_idempotency.clients.redis.client import RedisClient
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.record import Conflict
from lambda_idempotency.stores.redis import RedisStore

PARENT, CHILD = "shop#parent", "shop#child"
READS = 3


def _wrong(store: RedisStore, key: str) -> int:
    """Read a record several times. Return how many answers were not that record."""
    wrong = 0
    for _ in range(READS):
        try:
            reply = store.read(key)
        except StoreError as error:
            print(error, file=sys.stderr)
            wrong += 1
        else:
            wrong += not (isinstance(reply, Conflict) and reply.record.data == key)
    return wrong


def main(parameter: str, rounds: int) -> None:
    """Fork, and print the number of wrong answers."""
    store = RedisStore(RedisClient(parameter))
    for key in (PARENT, CHILD):
        store.complete(completion(key, data=key))
    wrong = 0
    for _ in range(rounds):
        child = os.fork()
        if child == 0:
            os._exit(_wrong(store, CHILD))
        wrong += _wrong(store, PARENT)
        _, status = os.waitpid(child, 0)
        wrong += os.waitstatus_to_exitcode(status)
    print(wrong)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
