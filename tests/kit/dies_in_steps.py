"""A process whose handler takes three steps, and that is killed where it is told to be.

Each step notes its effect in a file before it is recorded. Started as `python -m kit.dies_in_steps
STORE PLACE FILE`: `redis://...`, or `dynamodb:ENDPOINT TABLE`; the place is `in NAME`, `after NAME`
or `nowhere`. It prints the answer.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

from kit.aws.credentials import function_environment
from kit.aws.light import DynamoDB
from lambda_idempotency import RedisStore, Store, current, idempotent
from lambda_idempotency.stores.dynamodb import DynamoDBStore

EVENT = {"order": 1}
STEPS = ("charge", "stock", "label")


def store_at(place: str) -> Store:
    """Return the store of a text."""
    kind, _, rest = place.partition(":")
    if kind != "dynamodb":
        return RedisStore(place)
    endpoint, table = rest.split()
    store = DynamoDBStore(table)
    store._client = DynamoDB(environment=function_environment(endpoint))
    return store


def writes_of(place: str, name: str) -> list[dict[str, Any]]:
    """Return the writes of a step: on DynamoDB, the stock is counted down in its transaction."""
    if name != "stock" or not place.startswith("dynamodb:"):
        return []
    table = place.split()[1]
    update = {
        "TableName": table,
        "Key": {"id": {"S": "stock"}},
        "UpdateExpression": "ADD taken :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    return [{"Update": update}]


def main(place: str, dies: str, file: str) -> None:
    """Handle the event."""

    def die(where: str) -> None:
        if where == dies:
            os.kill(os.getpid(), signal.SIGKILL)

    def run(name: str) -> str:
        with Path(file).open("a") as effects:
            print(name, file=effects)
        die(f"in {name}")
        return f"{name} of {os.getpid()}"

    @idempotent(store=store_at(place), namespace="shop", name="handler", lease=60)
    def handler(event: Any, context: Any) -> list[str]:
        got = []
        for name in STEPS:
            writes = writes_of(place, name)
            got.append(current().step(name, partial(run, name), writes=writes))
            die(f"after {name}")
        return got

    print(json.dumps(handler(EVENT, None)))


if __name__ == "__main__":
    main(*sys.argv[1:])
