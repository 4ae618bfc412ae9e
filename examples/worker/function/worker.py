"""The shipping of orders. Every run is written down under a new id, so a second one shows."""

import json
import os
from typing import Any

import boto3

from lambda_idempotency import idempotent_records

dynamodb = boto3.client("dynamodb")


@idempotent_records
def handler(record: dict[str, Any], context: Any) -> None:
    order = json.loads(record["body"])
    if order["quantity"] < 1:
        raise ValueError("there is nothing to ship")  # each time, until it is a dead letter
    dynamodb.put_item(
        TableName=os.environ["SHIPMENTS_TABLE"],
        Item={
            "id": {"S": f"{context.aws_request_id} {record['messageId']}"},
            "order_id": {"S": order["order_id"]},
            "quantity": {"N": str(order["quantity"])},
        },
    )
