"""Fixtures of the stores' tests: the servers, and each store on its server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from kit.local_aws import LocalAws
from kit.processes import Server, free_port, listens
from kit.proxy import LossyProxy
from kit.worlds import CLIENTS, DynamoDBWorld, MemoryWorld, World, boto_client, create_table

TABLE = "idempotency"


@pytest.fixture(scope="session")
def local_dynamodb(local_aws: LocalAws) -> Iterator[dict[str, Any]]:
    """The clients of the local AWS, which has the table."""
    clients = {name: connect(local_aws.endpoint) for name, connect in CLIENTS.items()}
    create_table(clients["boto3"], TABLE)
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture(scope="session")
def moto_dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of moto's server, which has the table: a second reading of DynamoDB's manual."""
    port = free_port()
    server = Server(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        log=tmp_path_factory.mktemp("moto") / "server.log",
        ready=lambda: listens(port),
    )
    try:
        client = boto_client(f"http://127.0.0.1:{port}")
        create_table(client, TABLE)
        yield client
        client.close()
    finally:
        server.stop()


@pytest.fixture
def proxy(local_aws: LocalAws) -> Iterator[LossyProxy]:
    """Stands between a store and the local AWS."""
    with LossyProxy(local_aws.port) as proxy:
        yield proxy


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime's own client does not try again: its first pause would be longer than a call."""
    monkeypatch.setattr("lambda_idempotency.aws.client.PAUSES", (60.0,))
    monkeypatch.setattr(os, "urandom", lambda size: b"\xff" * size)


@pytest.fixture(params=CLIENTS)
def dynamodb(request: pytest.FixtureRequest, local_dynamodb: dict[str, Any]) -> DynamoDBWorld:
    """The DynamoDB store on the local AWS, with each client in turn."""
    return DynamoDBWorld(local_dynamodb[request.param], TABLE)


@pytest.fixture(params=["memory", "dynamodb", "dynamodb light", "dynamodb on moto"])
def world(request: pytest.FixtureRequest) -> World:
    """Each store in turn."""
    return _world(request)


@pytest.fixture(params=["memory", "dynamodb", "dynamodb light"])
def atomic_world(request: pytest.FixtureRequest) -> World:
    """Each store in turn, less moto's: it checks a condition and writes without a lock."""
    return _world(request)


def _world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return MemoryWorld()
    if request.param == "dynamodb on moto":
        return DynamoDBWorld(request.getfixturevalue("moto_dynamodb"), TABLE)
    clients = request.getfixturevalue("local_dynamodb")
    return DynamoDBWorld(clients["light" if request.param.endswith("light") else "boto3"], TABLE)
