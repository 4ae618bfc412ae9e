"""What docs/migration.md says of Powertools, and of the way from it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from aws_lambda_powertools.utilities import idempotency as powertools
from aws_lambda_powertools.utilities.idempotency import exceptions
from moto import mock_aws

import lambda_idempotency
from cdk_idempotency import IdempotencyOptions
from kit.local_aws import ROOT
from kit.pages import blocks_of, names_of, synthesised

PAGE = (ROOT / "docs" / "migration.md").read_text()
BEFORE, AFTER, STACK, BOTH = blocks_of(PAGE)
ROWS = [
    (cells[1].strip(), cells[2].strip())
    for line in PAGE.splitlines()
    if len(cells := line.split("|")) == 4 and "`" in cells[1]
]


class LambdaContext:
    """Of an invocation with time."""

    def get_remaining_time_in_millis(self) -> int:
        return 3000


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("IDEMPOTENCY_STORE", "memory")


def test_the_handler_before_is_one_of_powertools() -> None:
    with mock_aws():
        assert callable(names_of(BEFORE)["handler"])


def test_the_handler_after_answers_a_duplicate() -> None:
    handler = names_of(AFTER)["handler"]
    assert handler({"amount": 5}, None) == handler({"amount": 5}, None) == {"charged": 5}


def test_the_stack_synthesises(tmp_path: Path) -> None:
    assert len(synthesised(STACK, "Migrated", tmp_path).stacks) == 1


def test_a_handler_with_both_runs_once() -> None:
    with mock_aws():
        import boto3

        boto3.client("dynamodb").create_table(
            TableName="payments",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        store = powertools.DynamoDBPersistenceLayer("payments")
        config = powertools.IdempotencyConfig(event_key_jmespath="payment_id")
        handler = names_of(BOTH)["both"](store, config)
        handler.__wrapped__({"payment_id": 1, "amount": 5}, LambdaContext())  # before the change
        assert handler({"payment_id": 1, "amount": 6}, LambdaContext()) == {"charged": 5}


def test_the_options_of_powertools_exist() -> None:
    known = {
        *inspect.signature(powertools.IdempotencyConfig).parameters,
        *inspect.signature(powertools.idempotent_function).parameters,
        *dir(exceptions),
        *dir(powertools.IdempotencyConfig),
        "DynamoDBPersistenceLayer",
        "CachePersistenceLayer",
        "table_name",
        "client",
        "idempotent_function",
        "powertools_json",
        "POWERTOOLS_IDEMPOTENCY_DISABLED",
    }
    named = {name for theirs, _ in ROWS for name in re.findall(r"`(?:config\.)?(\w+)", theirs)}
    assert named <= known


def test_the_options_of_ours_exist() -> None:
    known = {
        *inspect.signature(lambda_idempotency.idempotent).parameters,
        *inspect.signature(lambda_idempotency.idempotent_function).parameters,
        *IdempotencyOptions.__annotations__,
        *lambda_idempotency.__all__,
        *("reject", "bypass", "retry_after", "body", "IdempotencyStore", "IDEMPOTENCY_DISABLED"),
    }
    named = {name for _, ours in ROWS for name in re.findall(r"`(\w+)", ours)}
    assert named <= known
