"""`make bench`: this library and Powertools for AWS Lambda, side by side in one run.

Prints ratios, which travel between machines better than times do: cold start, CPU per call against
a local DynamoDB, and requests per call counted at the client.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Any, TypeAlias

import boto3

from kit.local_aws import LocalAws

Handler: TypeAlias = Callable[[Any, Any], Any]

REPETITIONS = 5
CALLS = 200
COLD_STARTS = 7
CONTEXT = type(
    "Context", (), {"function_name": "bench", "get_remaining_time_in_millis": lambda _: 30_000}
)()

FIRST_CALL = """
import os
handler({"id": os.urandom(8).hex()}, type("Context", (), {
    "function_name": "bench", "get_remaining_time_in_millis": lambda _: 30_000})())
"""
OURS_COLD = """
from lambda_idempotency import idempotent
@idempotent(key="id")
def handler(event, context): ...
"""
PEER_COLD = """
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer, IdempotencyConfig, idempotent)
layer = DynamoDBPersistenceLayer(table_name="bench")
@idempotent(persistence_store=layer, config=IdempotencyConfig(event_key_jmespath="id"))
def handler(event, context): ...
"""


@dataclass(frozen=True)
class Row:
    """One measure: ours and the peer's, medians in the same unit."""

    name: str
    unit: str
    ours: float
    peer: float

    def __str__(self) -> str:
        ratio = self.ours / self.peer
        return f"{self.name:<34}{self.ours:>9.1f}{self.peer:>12.1f} {self.unit:<10}{ratio:>6.2f} x"


def ours(client: Any, table: str) -> Handler:
    """A handler wrapped by this library."""
    from lambda_idempotency import DynamoDBStore, idempotent

    @idempotent(key="id", store=DynamoDBStore(table, client=client), namespace="bench")
    def handler(event: Any, _: Any) -> Any:
        return {"id": event["id"]}

    return handler


def peer(client: Any, table: str) -> Handler:
    """The same handler, wrapped by the peer."""
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent,
    )

    layer = DynamoDBPersistenceLayer(table_name=table, boto3_client=client)

    @idempotent(persistence_store=layer, config=IdempotencyConfig(event_key_jmespath="id"))
    def handler(event: Any, _: Any) -> Any:
        return {"id": event["id"]}

    wrapped: Handler = handler
    return wrapped


def cpu(handler: Handler, events: list[Any]) -> float:
    """CPU microseconds of one call."""
    started = time.process_time()
    for event in events:
        handler(event, CONTEXT)
    return (time.process_time() - started) / len(events) * 1e6


def cold_start(code: str, environment: dict[str, str]) -> float:
    """Milliseconds of a fresh interpreter that makes one call."""
    started = time.perf_counter()
    whole = code + FIRST_CALL if code else ""
    subprocess.run([sys.executable, "-c", whole], env=environment, check=True)
    return (time.perf_counter() - started) * 1000


def cold_starts(environment: dict[str, str]) -> Row:
    """Both cold starts, in turn, less the interpreter's own."""
    seen: dict[str, list[float]] = {"": [], OURS_COLD: [], PEER_COLD: []}
    for _ in range(COLD_STARTS):
        for code, times in seen.items():
            times.append(cold_start(code, environment))
    bare, mine, theirs = (median(times) for times in seen.values())
    return Row("cold start and its first call", "ms", mine - bare, theirs - bare)


def requests_of(client: Any, handler: Handler) -> int:
    """How many requests a call sends."""
    sent: list[str] = []
    client.meta.events.register("before-send", lambda **_: sent.append("one"), unique_id="count")
    handler({"id": "counted"}, CONTEXT)
    client.meta.events.unregister("before-send", unique_id="count")
    return len(sent)


def measured(client: Any, table: str) -> list[Row]:
    """CPU and requests per first call and per replay, in turn."""
    handlers = (ours(client, table), peer(client, table))
    ids = count()
    first: tuple[list[float], list[float]] = ([], [])
    again: tuple[list[float], list[float]] = ([], [])
    for _ in range(REPETITIONS):
        for handler, firsts, agains in zip(handlers, first, again, strict=True):
            start = next(ids) * CALLS
            for times in (firsts, agains):
                times.append(cpu(handler, [{"id": start + n} for n in range(CALLS)]))
    sent = [[requests_of(client, handler) for handler in handlers] for _ in ("first", "again")]
    return [
        Row("CPU of a first call, with boto3", "us", median(first[0]), median(first[1])),
        Row("CPU of a replay, with boto3", "us", median(again[0]), median(again[1])),
        Row("requests of a first call", "", *map(float, sent[0])),
        Row("requests of a replay", "", *map(float, sent[1])),
    ]


def main() -> None:
    """Measures and prints."""
    with LocalAws() as aws:
        dynamodb = aws.client("dynamodb")
        dynamodb.create_table(
            TableName="bench",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        environment = {
            **aws.environment(),
            "IDEMPOTENCY_TABLE": "bench",
            "IDEMPOTENCY_NAMESPACE": "bench",
            "POWERTOOLS_SERVICE_NAME": "bench",
        }
        os.environ["POWERTOOLS_SERVICE_NAME"] = "bench"
        rows = [cold_starts(environment), *measured(dynamodb, "bench")]
    print(f"{'':<34}{'ours':>9}{'Powertools':>12}")
    for row in rows:
        print(row)
    print(f"\nboto3 {boto3.__version__}, Python {sys.version.split()[0]}; medians, interleaved.")


if __name__ == "__main__":
    main()
