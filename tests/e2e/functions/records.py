"""A handler of records that leaves one row in the effects table for each run to its effect."""

from __future__ import annotations

import os
from typing import Any

import boto3

from lambda_idempotency import current, idempotent_records

dynamodb = boto3.client("dynamodb")


@idempotent_records
def handler(record: dict[str, Any], context: Any) -> None:
    received = int(record["attributes"]["ApproximateReceiveCount"])
    if "poisoned" in record["body"] and received == 1:
        raise RuntimeError("asked to")
    dynamodb.put_item(
        TableName=os.environ["EFFECTS_TABLE"],
        Item={
            "id": {"S": f"{context.aws_request_id} {record['messageId']}"},
            "of": {"S": record["messageId"]},
            "downstream": {"S": current().downstream_key("ship")},
        },
    )
