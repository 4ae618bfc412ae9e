"""A function that is killed at its limit, as Lambda kills: `python killed.py WHAT LIMIT_MS`.

Prints what its caller gets, if that is anything.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

from lambda_idempotency import DynamoDBStore, RedisStore, idempotent, idempotent_records


class Context:
    """The context of an invocation that ends in so many milliseconds."""

    aws_request_id = "request"
    function_name = "function"

    def __init__(self, limit_ms: int) -> None:
        self._ends = time.monotonic() + limit_ms / 1000

    def get_remaining_time_in_millis(self) -> int:
        return int((self._ends - time.monotonic()) * 1000)


def handler_of(what: str) -> tuple[Any, Any]:
    """Return a handler and an event."""
    redis = os.environ.get("REDIS_URL")
    store = DynamoDBStore("table") if redis is None else RedisStore(redis)
    options: Any = {"store": store, "namespace": "shop"}
    if what == "batch":
        records = [
            {"eventSource": "aws:sqs", "eventSourceARN": "arn", "messageId": n, "body": f'"{n}"'}
            for n in "12"
        ]
        return idempotent_records(**options)(lambda record, context: None), {"Records": records}
    if what == "async":

        @idempotent(**options)
        async def handler(event: Any, context: Any) -> str:
            return "the result"

        return handler, {"id": 1}
    if what == "fail open":
        options["fail_open"] = True
    return idempotent(**options)(lambda event, context: "the result"), {"id": 1}


def main(what: str, limit_ms: int) -> None:
    """Handle one event."""
    handler, event = handler_of(what)
    context = Context(limit_ms)
    killer = threading.Timer(limit_ms / 1000, os._exit, (9,))
    killer.daemon = True
    killer.start()
    try:
        print(handler(event, context), flush=True)
    except Exception as error:  # noqa: BLE001 - it is what the caller gets
        print(error, type(error).__name__, sep="\n", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
