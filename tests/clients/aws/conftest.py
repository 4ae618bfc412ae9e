"""Time that tests move by hand, and clients of a server that fails on command."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kit.aws.credential_issuer import CredentialIssuer
from kit.aws.credentials import function_environment
from kit.aws.light import DynamoDB
from kit.clocks import ManualClock
from kit.network.fault_server import FaultServer
from lambda_idempotency.clients.aws.connections import (
    Connections,
)
from lambda_idempotency.clients.aws.credentials import CredentialSource
from lambda_idempotency.clients.aws.endpoints import Endpoint
from lambda_idempotency.clients.aws.services import JsonClient


@pytest.fixture
def clock() -> ManualClock:
    """Return the worker's clock: epoch seconds."""
    return ManualClock()


class Pauses(list[float]):
    """A `sleep` that takes no time but moves `time.monotonic`, which otherwise stands still."""

    def __init__(self) -> None:
        super().__init__()
        self.now = time.monotonic()

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        self.now += seconds


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """Return the client's pauses, in seconds, each as long as it may be."""
    pauses = Pauses()
    monkeypatch.setattr(time, "monotonic", lambda: pauses.now)
    monkeypatch.setattr(os, "urandom", lambda size: b"\xff" * size)
    return pauses


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def issuer(clock: ManualClock) -> Iterator[FaultServer]:
    """Yield the container's credentials endpoint."""
    with FaultServer(otherwise=CredentialIssuer(clock)) as issuer:
        yield issuer


@pytest.fixture
def source(issuer: FaultServer, clock: ManualClock) -> CredentialSource:
    """Return the credentials of that endpoint."""
    uri = f"{issuer.endpoint}/role?version=1"
    return CredentialSource({"AWS_CONTAINER_CREDENTIALS_FULL_URI": uri}, clock)


@pytest.fixture
def connect(
    server: FaultServer, clock: ManualClock, slept: Pauses
) -> Iterator[Callable[..., DynamoDB]]:
    """Yield a factory of clients of the server, which may add or empty environment variables."""
    clients: list[JsonClient] = []

    def connect(*, service: Any = DynamoDB, **variables: str) -> Any:
        environment = function_environment(server.endpoint) | variables
        clients.append(service(environment=environment, clock=clock, sleep=slept))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[..., DynamoDB]) -> DynamoDB:
    return connect()


@pytest.fixture
def connections(server: FaultServer) -> Iterator[Connections]:
    """Yield connections to the server."""
    connections = Connections(Endpoint.parse(server.endpoint))
    yield connections
    connections.close()
