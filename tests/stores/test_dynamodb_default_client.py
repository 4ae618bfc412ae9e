"""The client that a DynamoDB store creates for itself: late, once, and from the environment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Final

import pytest

from kit.aws.credential_issuer import CredentialIssuer
from kit.aws.local import LocalAws
from kit.clocks import ManualClock
from kit.harnesses import DynamoDBHarness
from kit.network.fault_server import FaultServer
from kit.network.processes import free_port
from lambda_idempotency.clients.aws import services
from lambda_idempotency.errors import ConfigurationError, StoreError
from lambda_idempotency.protocol.record import Absent, Applied, Claim, Reply
from lambda_idempotency.stores.dynamodb import DynamoDBStore
from lambda_idempotency.testing.store_harness import new_key

TABLE: Final = "idempotency"


@pytest.fixture
def dynamodb(local_dynamodb: dict[str, Any]) -> DynamoDBHarness:
    """Return a view of the table from outside."""
    return DynamoDBHarness(local_dynamodb["boto3"], TABLE)


@pytest.fixture
def environment(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Point the process's own environment to the local AWS, as Lambda's points to its region."""
    for name, value in local_aws.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def store(environment: pytest.MonkeyPatch) -> Iterator[DynamoDBStore]:
    """Yield a store without a client."""
    store = DynamoDBStore(TABLE)
    yield store
    if store._client is not None:
        store._client.close()


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """Yield a server that accepts every request."""
    with FaultServer() as server:
        yield server


def test_without_a_client_the_environment_decides(
    dynamodb: DynamoDBHarness, store: DynamoDBStore
) -> None:
    claim = Claim(key=dynamodb.key, owner="a" * 32, lease_ms=30_000, expires_after_ms=60_000)
    assert isinstance(store.claim(claim), Applied)
    assert dynamodb.item() is not None


def test_the_default_client_is_the_runtimes_own(
    dynamodb: DynamoDBHarness, store: DynamoDBStore
) -> None:
    store.read(dynamodb.key)
    assert isinstance(store._client, services.DynamoDB)


def test_a_client_that_is_handed_in_is_the_only_one(dynamodb: DynamoDBHarness) -> None:
    store = DynamoDBStore(TABLE, client=dynamodb.client)
    store.read(dynamodb.key)
    assert store._brought is dynamodb.client
    assert store._client is None


def test_the_default_client_is_created_by_the_first_request(store: DynamoDBStore) -> None:
    assert store._client is None
    store.read(new_key())
    client = store._client
    assert client is not None
    store.read(new_key())
    assert store._client is client


def test_threads_share_one_default_client(
    dynamodb: DynamoDBHarness, store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    created: list[services.DynamoDB] = []

    class _Counted(services.DynamoDB):
        def __init__(self, **options: Any) -> None:
            created.append(self)
            super().__init__(**options)

    monkeypatch.setattr(services, "DynamoDB", _Counted)
    start = Barrier(8)

    def read(_: int) -> Reply:
        start.wait()
        return store.read(dynamodb.key)

    with ThreadPoolExecutor(8) as pool:
        assert {type(reply) for reply in pool.map(read, range(8))} == {Absent}
    assert created == [store._client]


CALL: Final = f"""
import sys
from lambda_idempotency import DynamoDBStore, idempotent
heavy = {{"boto3", "botocore", "urllib3"}}
store = DynamoDBStore({TABLE!r})
handler = idempotent(store=store, namespace="shop")(lambda event, context: event)
event = {{"id": sys.argv[1]}}
assert handler(event, None) == handler(event, None) == event
print(sorted(heavy & set(sys.modules)), type(store._client).__module__)
"""


def test_a_whole_call_loads_no_boto3(dynamodb: DynamoDBHarness, local_aws: LocalAws) -> None:
    output = subprocess.run(
        [sys.executable, "-c", CALL, dynamodb.key],
        env=local_aws.environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert output == "[] lambda_idempotency.clients.aws.services\n"


# What the environment says ------------------------------------------------------------------------


def test_the_region_and_the_credentials_of_the_environment_sign(
    server: FaultServer, store: DynamoDBStore, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.endpoint)
    environment.setenv("AWS_REGION", "eu-south-2")
    environment.setenv("AWS_ACCESS_KEY_ID", "AKIDOFTHEENVIRONMENT")
    environment.setenv("AWS_SESSION_TOKEN", "the-token")
    store.read("shop#1")
    (request,) = server.requests
    assert "Credential=AKIDOFTHEENVIRONMENT/" in request.headers["authorization"]
    assert "/eu-south-2/dynamodb/aws4_request" in request.headers["authorization"]
    assert request.headers["x-amz-security-token"] == "the-token"


def test_the_container_endpoint_of_the_environment_gives_the_credentials(
    server: FaultServer, store: DynamoDBStore, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("AWS_ENDPOINT_URL", server.endpoint)
    environment.delenv("AWS_ACCESS_KEY_ID")
    with FaultServer(otherwise=CredentialIssuer(ManualClock(4_000_000_000))) as issuer:
        environment.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{issuer.endpoint}/role")
        store.read("shop#1")
    (request,) = server.requests
    assert "Credential=AKID1/" in request.headers["authorization"]


@pytest.mark.parametrize("suffix", ["amazonaws.com", "amazonaws.com.cn"])
def test_without_an_endpoint_the_region_names_it(
    environment: pytest.MonkeyPatch, suffix: str
) -> None:
    environment.delenv("AWS_ENDPOINT_URL")
    environment.setenv("AWS_REGION", "cn-north-1")
    client = DynamoDBStore(TABLE, url_suffix=suffix)._own_client()
    assert client._headers["host"] == f"dynamodb.cn-north-1.{suffix}"


def test_a_missing_region_is_named(store: DynamoDBStore, environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AWS_REGION")
    environment.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigurationError, match="AWS_REGION is not set"):
        store.read("shop#1")


def test_a_senseless_endpoint_is_named(
    store: DynamoDBStore, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("AWS_ENDPOINT_URL", "localhost:8000")
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL: 'localhost:8000'"):
        store.read("shop#1")


# Errors -------------------------------------------------------------------------------------------


def test_an_unreachable_endpoint_is_explained(
    store: DynamoDBStore, environment: pytest.MonkeyPatch, once: None
) -> None:
    port = free_port()
    environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(StoreError) as raised:
        store.read("shop#1")
    message = str(raised.value)
    assert f"DynamoDB get_item on table {TABLE} failed" in message
    assert f"127.0.0.1:{port}: connection refused" in message
    assert "shop#1" not in message


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_missing_credentials_are_explained(
    store: DynamoDBStore, environment: pytest.MonkeyPatch, missing: str
) -> None:
    environment.delenv(missing)
    with pytest.raises(StoreError) as raised:
        store.read("shop#1")
    message = str(raised.value)
    assert f"DynamoDB get_item on table {TABLE} failed" in message
    assert missing in message
    assert "shop#1" not in message


def test_a_container_endpoint_that_cannot_be_reached_is_explained(
    store: DynamoDBStore, environment: pytest.MonkeyPatch
) -> None:
    environment.delenv("AWS_ACCESS_KEY_ID")
    environment.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{free_port()}/role")
    with pytest.raises(StoreError, match=r"container credentials endpoint .* connection refused"):
        store.read("shop#1")
