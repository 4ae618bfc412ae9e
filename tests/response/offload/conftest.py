"""Functions with a bucket for large responses, in a local AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kit.aws.local import LocalAws
from kit.network.fault_server import FaultServer
from kit.offload import (
    BUCKET,
    SUFFIXES,
    Settle,
    Store,
    error_of,
)
from lambda_idempotency.clients.aws import s3 as module
from lambda_idempotency.contract.settings import Settings


@pytest.fixture(scope="session")
def s3(local_aws: LocalAws) -> Iterator[Any]:
    client = local_aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the clients that a test has opened."""
    made: list[module.S3] = []

    class Noted(module.S3):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(module, "S3", Noted)
    yield
    for client in made:
        client.close()


@pytest.fixture
def settle(monkeypatch: pytest.MonkeyPatch, local_aws: LocalAws, s3: Any, clients: None) -> Settle:
    """Return a function that sets the environment of a function in that AWS, with its settings."""

    def settle(endpoint: str = local_aws.endpoint, **settings: Any) -> None:
        values: dict[str, Any] = {
            "large_responses": BUCKET,
            "large_response_size": 4000,
            "namespace": "shop",
            "url_suffix": f"suffix-{next(SUFFIXES)}",  # not used here, but another client is
        }
        for name in Settings.kinds:
            monkeypatch.delenv(f"IDEMPOTENCY_{name.upper()}", raising=False)
        variables = Settings(**{**values, **settings}).to_environment()
        environment = local_aws.environment() | {"AWS_ENDPOINT_URL": endpoint} | variables
        for name, value in environment.items():
            if name.startswith(("AWS_", "IDEMPOTENCY_")):
                monkeypatch.setenv(name, value)

    return settle


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def faulty() -> Iterator[FaultServer]:
    with FaultServer(otherwise=error_of("InternalError", 500)) as server:
        yield server
