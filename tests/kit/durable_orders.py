"""A durable function that charges, waits for a callback and ships, as Lambda's own client runs it.

DURABLE_STORE and DURABLE_FILES are as in `kit.orders`. While the directory has a file named `hold`,
a process that has begun to charge waits, to be killed there.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from aws_durable_execution_sdk_python.execution import durable_execution

from lambda_idempotency import DynamoDBStore, RedisStore, Store, idempotent, idempotent_function

PLACE = os.environ["DURABLE_STORE"]
FILES = Path(os.environ["DURABLE_FILES"])
STORE: Store = RedisStore(PLACE) if PLACE.startswith("redis:") else DynamoDBStore(PLACE)


def _note(*words: object) -> None:
    with (FILES / "notes").open("a") as notes:
        print(*words, file=notes)


@idempotent_function(store=STORE, namespace="shop", name="charge")
def _charge(order: str) -> str:
    _note("begins", os.getpid())
    while (FILES / "hold").exists():
        threading.Event().wait(0.02)
    _note("charges", order)
    return f"charge of {order}"


def _body(event: Any, context: Any) -> Any:
    charge = context.step(lambda _: _charge(event["order"]), name="charge")
    approval = context.create_callback(name="approve").result()
    context.step(lambda _: _note("ships", event["order"]), name="ship")
    return {"charge": charge, "approval": approval}


plain = durable_execution(_body)
"""The function that `wrap_handler` makes idempotent."""

_options: Any = {"key": "order", "store": STORE, "namespace": "shop", "execution_timeout": 300}
inside = durable_execution(idempotent(name="inside", **_options)(_body))
outside = idempotent(name="outside", **_options)(plain)
