"""A handler of records that leaves one row in the effects table for each run to its effect."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import boto3

from lambda_idempotency import current, idempotent_records

TABLE = os.environ["EFFECTS_TABLE"]

dynamodb = boto3.client("dynamodb")


@idempotent_records
def handler(record: dict[str, Any], context: Any) -> None:
    body = json.loads(record["body"])
    if "poisoned" in body and record["attributes"]["ApproximateReceiveCount"] == "1":
        raise RuntimeError("asked to")
    if "dies" in body and current().attempt == 1:
        _await_word(body["dies"])
        os._exit(1)
    _put(f"{context.aws_request_id} {record['messageId']}", record["messageId"])


def _put(row: str, of: str) -> None:
    downstream, attempt = current().downstream_key("ship"), current().attempt
    item = {"id": row, "of": of, "downstream": downstream, "at": f"{time.time_ns()} {attempt}"}
    dynamodb.put_item(TableName=TABLE, Item={name: {"S": value} for name, value in item.items()})


def _await_word(of: str) -> None:
    """Report the start, and wait for the word that the process may die."""
    _put(f"began {of}", f"began {of}")
    while "Item" not in dynamodb.get_item(TableName=TABLE, Key={"id": {"S": f"word {of}"}}):
        time.sleep(0.02)
