"""Fixtures of the stores' tests: the servers, and each store on its server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from kit.local_aws import REGION, LocalAws
from kit.processes import Server, free_port, listens
from kit.worlds import DynamoDBWorld, MemoryWorld, World, create_table

TABLE = "idempotency"


def _client(port: int) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=50),
    )


@pytest.fixture(scope="session")
def local_dynamodb(local_aws: LocalAws) -> Any:
    """A client of the local AWS, which has the table."""
    client = _client(local_aws.port)
    create_table(client, TABLE)
    return client


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
        client = _client(port)
        create_table(client, TABLE)
        yield client
    finally:
        server.stop()


@pytest.fixture
def dynamodb(local_dynamodb: Any) -> DynamoDBWorld:
    """The DynamoDB store on the local AWS."""
    return DynamoDBWorld(local_dynamodb, TABLE)


@pytest.fixture(params=["memory", "dynamodb", "dynamodb on moto"])
def world(request: pytest.FixtureRequest) -> World:
    """Each store in turn."""
    return _world(request)


@pytest.fixture(params=["memory", "dynamodb"])
def atomic_world(request: pytest.FixtureRequest) -> World:
    """Each store in turn, less moto's: it checks a condition and writes without a lock."""
    return _world(request)


def _world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return MemoryWorld()
    server = "moto_dynamodb" if request.param.endswith("moto") else "local_dynamodb"
    return DynamoDBWorld(request.getfixturevalue(server), TABLE)
