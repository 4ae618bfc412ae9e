"""The client that a DynamoDB store creates for itself: late, once, and from the environment."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import boto3
import pytest

from kit.local_aws import LocalAws
from kit.worlds import DynamoDBWorld, fresh_key
from lambda_idempotency.errors import StoreError
from lambda_idempotency.record import Claim, Done, Gone, Reply
from lambda_idempotency.stores.dynamodb import DynamoDBStore


@pytest.fixture
def environment(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process' own environment points to the local AWS, as Lambda's points to its region."""
    for name, value in local_aws.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def test_without_a_client_the_environment_decides(
    dynamodb: DynamoDBWorld, environment: None
) -> None:
    assert isinstance(
        DynamoDBStore(dynamodb.table).claim(
            Claim(key=dynamodb.key, owner="a" * 32, lease=30_000, expires_after=60_000)
        ),
        Done,
    )
    assert dynamodb.item() is not None


def test_the_default_client_gives_up_in_seconds(dynamodb: DynamoDBWorld, environment: None) -> None:
    store = DynamoDBStore(dynamodb.table)
    store.read(fresh_key())
    config = store._client.meta.config
    attempts = config.retries["total_max_attempts"]
    assert attempts == 3
    assert attempts * (config.connect_timeout + config.read_timeout) < 10


def test_threads_share_one_default_client(
    dynamodb: DynamoDBWorld, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    created: list[str] = []
    create = boto3.client

    def client(service: str, **options: Any) -> Any:
        created.append(service)
        return create(service, **options)

    monkeypatch.setattr(boto3, "client", client)
    store, start = DynamoDBStore(dynamodb.table), Barrier(8)

    def read(_: int) -> Reply:
        start.wait()
        return store.read(dynamodb.key)

    with ThreadPoolExecutor(8) as pool:
        assert {type(reply) for reply in pool.map(read, range(8))} == {Gone}
    assert created == ["dynamodb"]


def test_boto3_is_loaded_by_the_first_request_and_not_before(
    dynamodb: DynamoDBWorld, local_aws: LocalAws
) -> None:
    script = f"""
import sys
from lambda_idempotency.stores.dynamodb import DynamoDBStore
store = DynamoDBStore({dynamodb.table!r})
print([name for name in ("boto3", "botocore") if name in sys.modules])
store.read({dynamodb.key!r})
print([name for name in ("boto3", "botocore") if name in sys.modules])
"""
    output = subprocess.run(
        [sys.executable, "-c", script],
        env=local_aws.environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert output.splitlines() == ["[]", "['boto3', 'botocore']"]


def test_a_missing_boto3_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(StoreError, match=r"ModuleNotFoundError .* boto3 comes with Lambda"):
        DynamoDBStore("payments").read("shop#1")
