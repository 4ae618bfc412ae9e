"""Events of a given size, as they come from a JSON parser."""

from __future__ import annotations

import json
import os
import random
from functools import cache
from itertools import count
from typing import Any

_LINE = {
    "sku": "A-1001",
    "title": "Crème brûlée dishes, set of 6",
    "quantity": 2,
    "tags": ["kitchen", "gift"],
    "note": None,
    "wrapped": False,
    "parcel": {"weight_kg": 1.75, "fragile": True},
}
_RUN = os.urandom(8).hex()
_NUMBERS = count()

RECORDS = 10
"""In a batch."""


def events(size: int, number: int, *, whole_floats: bool = False) -> list[dict[str, Any]]:
    """Distinct events of about `size` bytes of JSON; they share what they have in common."""
    lines = _lines(size, 20.0 if whole_floats else 19.99)
    return [
        {"order_id": f"{_RUN}-{next(_NUMBERS):08}", "customer": "c-42", "lines": lines}
        for _ in range(number)
    ]


@cache
def orders(size: int) -> list[dict[str, Any]]:
    """An answer of about `size` bytes of JSON, whose lines differ as those of a database do."""
    dice = random.Random(1)
    found: list[dict[str, Any]] = []
    for left in range(size, 0, -100):
        amount, customer = dice.randrange(10_000), f"customer-{dice.randrange(10**6)}"
        status = dice.choice(("paid", "open", "shipped"))
        order = f"{dice.getrandbits(64):016x}-{left}"
        found.append({"order": order, "status": status, "amount": amount, "customer": customer})
    return found


def batches(size: int, number: int) -> list[dict[str, Any]]:
    """Batches of SQS, of ten distinct messages of about `size` bytes each."""
    return [
        {"Records": [_message(event) for event in events(size, RECORDS)]} for _ in range(number)
    ]


def _message(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": event["order_id"],
        "receiptHandle": "handle",
        "body": json.dumps(event),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:orders",
        "awsRegion": "us-east-1",
    }


@cache
def _lines(size: int, price: float) -> Any:
    line = {**_LINE, "price": price}
    each = len(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode()) + 1
    # A round trip, for a parser's shared names and separate values.
    return json.loads(json.dumps([{**line, "line": n} for n in range(max(1, size // each))]))
