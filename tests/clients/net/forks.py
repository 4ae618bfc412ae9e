"""A process that forks with idle connections, round after round: `python forks.py KIND ROUNDS`.

In each round, the parent has an idle connection; then it and its child ask at the same moment, each
for a key of its own. Prints the number of wrong answers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import boto3

from kit.aws.light import DynamoDB
from lambda_idempotency import DynamoDBStore
from lambda_idempotency.protocol.record import Conflict


def asker(kind: str) -> Callable[[str], bool]:
    """Return a function that asks for a key, and tells whether the answer is about it."""
    if kind == "client":
        client = DynamoDB()
        return lambda key: client.get_item(Key={"id": {"S": key}})["Item"]["id"]["S"] == key
    brought = boto3.client("dynamodb", os.environ["AWS_REGION"]) if kind == "boto3" else None
    store = DynamoDBStore("table", client=brought)

    def read(key: str) -> bool:
        reply = store.read(key)
        return isinstance(reply, Conflict) and reply.record.key == key

    return read


def main(kind: str, rounds: int) -> int:
    """Return the number of wrong answers."""
    ask, wrong = asker(kind), 0
    for number in range(rounds):
        wrong += not ask(f"before {number}")
        if (child := os.fork()) == 0:
            os._exit(0 if ask(f"child {number}") else 1)
        wrong += not ask(f"parent {number}")
        wrong += os.waitpid(child, 0)[1] != 0
    return wrong


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])))
