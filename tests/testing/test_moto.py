"""moto sees what a client of boto3 sends, and so also the store that is given one."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws

from kit.pages import run


def test_the_line_of_the_page_works_with_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="records",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        handler: Any = run("client=boto3.client", page="testing")["handler"]
        assert handler({"payment_id": 1}, None) == handler({"payment_id": 1}, None)
        [record] = boto3.client("dynamodb").scan(TableName="records")["Items"]
    assert record["status"] == {"S": "COMPLETED"}
