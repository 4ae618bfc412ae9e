"""A function that handles orders, as Lambda's own client runs it.

ORDERS_STORE is the place of its records: a table, or the URL of a Redis server. In the directory
ORDERS_FILES it notes what it begins and which effects it has, and finds what it waits for.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

# No more than is needed: eight processes load it.
from lambda_idempotency import DynamoDBStore, RedisStore, Store, current, idempotent

FILES = Path(os.environ["ORDERS_FILES"])


def _store(place: str) -> Store:
    return RedisStore(place) if place.startswith("redis:") else DynamoDBStore(place)


def _note(file: str, *words: object) -> None:
    with (FILES / file).open("a") as notes:
        print(*words, file=notes)


@idempotent(
    key="order",
    store=_store(os.environ["ORDERS_STORE"]),
    namespace="shop",
    name="orders",
    lease=1,  # and the rest of the invocation, if that is longer
    heartbeat=True,
)
def handler(event: Any, context: Any) -> Any:
    """Charge an order: at once, or when the file that it waits for is there."""
    order = event["order"]
    _note("begun", order, os.getpid(), current().key)
    while "waits" in event and not (FILES / event["waits"]).exists():
        threading.Event().wait(0.02)
    _note("charges", order)
    return {
        "order": order,
        "process": os.getpid(),
        "left": context.get_remaining_time_in_millis(),
    }
