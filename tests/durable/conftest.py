"""Fixtures of the tests of durable executions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from kit.aws.local import LocalAws
from kit.durable import Executions, real
from kit.harnesses import CLIENTS, create_table
from kit.redis.servers import RedisServer
from lambda_idempotency import DynamoDBStore, MemoryStore, RedisStore, Store, idempotent
from lambda_idempotency.decorators import durable
from lambda_idempotency.drivers import sync
from lambda_idempotency.execution.durable.liveness import Liveness

Handler = Callable[[Any, Any], Any]
Make = Callable[..., Executions]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tries to record an answer follow each other at once."""
    monkeypatch.setattr(sync, "drive", partial(sync.drive, sleep=lambda _: None))


@pytest.fixture
def records() -> MemoryStore:
    """Return the store of the records."""
    return MemoryStore()


@pytest.fixture(params=["inside", "outside"])
def form(request: pytest.FixtureRequest) -> str:
    """Return where ours is applied: inside of `@durable_execution`, or outside."""
    return str(request.param)


@pytest.fixture
def executions(records: MemoryStore, form: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Return the maker of a durable function in the runner, whose executions Lambda knows."""
    with ExitStack() as exits:

        def make(handler: Handler, **options: Any) -> Executions:
            options = {"key": "order", "store": records, "execution_timeout": 300, **options}
            ours = idempotent(name="pay", **options)
            if form == "inside":
                function = real(ours(handler), outer=lambda durable: durable)
            else:
                function = real(handler, outer=ours)
            made = exits.enter_context(Executions(function))
            liveness = Liveness(lambda: made, clock=lambda: made.clock)
            monkeypatch.setattr(durable, "_liveness", lambda: liveness)
            return made

        yield make


@pytest.fixture(scope="module")
def places(local_aws: LocalAws) -> Iterator[dict[str, Store]]:
    """Yield one store of each kind."""
    table = f"durable-{os.urandom(4).hex()}"
    clients = {name: CLIENTS[name](local_aws.endpoint) for name in ("boto3", "light")}
    create_table(clients["boto3"], table)
    dynamodb = DynamoDBStore(table)
    dynamodb._client = clients["light"]
    with RedisServer() as server, server.admin() as admin:
        yield {"memory": MemoryStore(), "dynamodb": dynamodb, "redis": RedisStore(admin)}
    for client in clients.values():
        client.close()


@pytest.fixture(params=["memory", "dynamodb", "redis"])
def place(request: pytest.FixtureRequest, places: dict[str, Store]) -> Store:
    """Return the store of the test."""
    return places[request.param]
