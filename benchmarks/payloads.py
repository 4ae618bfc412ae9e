"""What the handlers get: events, HTTP requests and batches, no two of them alike."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from typing import Any, Final

_RUN: Final = os.urandom(8).hex()
_NUMBERS: Final = count()
_LINE: Final = {
    "sku": "A-1001",
    "title": "Crème brûlée dishes, set of 6",
    "quantity": 2,
    "price": 19.99,
    "tags": ["kitchen", "gift"],
    "wrapped": False,
    "parcel": {"weight_kg": 1.75, "fragile": True},
}


def event(size: int) -> dict[str, Any]:
    """Return an event of about `size` bytes of JSON; all share their equal parts."""
    return {"order_id": f"{_RUN}-{next(_NUMBERS):08}", "customer": "c-42", "lines": _lines(size)}


def request(size: int) -> dict[str, Any]:
    """Return a request of API Gateway, payload format 2.0, with a body of about `size` bytes."""
    order = event(size)
    headers = {
        "accept": "*/*",
        "accept-encoding": "gzip, deflate, br",
        "content-type": "application/json",
        "host": "api.example.com",
        "idempotency-key": order["order_id"],
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64)",
        "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    return {
        "version": "2.0",
        "routeKey": "POST /orders",
        "rawPath": "/orders",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api-id",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "POST",
                "path": "/orders",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": headers["user-agent"],
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "POST /orders",
            "stage": "$default",
            "time": "10/Mar/2026:05:16:23 +0000",
            "timeEpoch": 1583817383220,
        },
        "body": json.dumps(order, separators=(",", ":"), ensure_ascii=False),
        "isBase64Encoded": False,
    }


def batch(size: int, records: int) -> dict[str, Any]:
    """Return an event of SQS with messages of about `size` bytes each."""
    return {"Records": [_message(event(size)) for _ in range(records)]}


PAYLOADS: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "event": event,
    "steps": event,
    "http": request,
    "batch": batch,
}
"""The payloads of each workload."""


@cache
def orders(size: int) -> list[dict[str, Any]]:
    """Return about `size` bytes of JSON for an answer, whose rows differ as a database's do."""
    dice = random.Random(1)
    found: list[dict[str, Any]] = []
    for left in range(size, 0, -100):
        amount, customer = dice.randrange(10_000), f"customer-{dice.randrange(10**6)}"
        status = dice.choice(("paid", "open", "shipped"))
        order = f"{dice.getrandbits(64):016x}-{left}"
        found.append({"order": order, "status": status, "amount": amount, "customer": customer})
    return found


def _message(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": order["order_id"],
        "receiptHandle": "handle",
        "body": json.dumps(order),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:orders",
        "awsRegion": "us-east-1",
    }


@cache
def _lines(size: int) -> Any:
    each = len(json.dumps(_LINE, separators=(",", ":"), ensure_ascii=False).encode()) + 11
    # A round trip, for a parser's shared names and separate values.
    return json.loads(json.dumps([{**_LINE, "line": n} for n in range(max(1, size // each))]))
