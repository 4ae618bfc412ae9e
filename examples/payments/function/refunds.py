"""The refund of a payment; the bank takes its time. Nothing here knows of idempotency."""

import json
import os
import time
from typing import Any

import boto3

ledger = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    refund = json.loads(event["body"])
    ledger.put_item(
        TableName=os.environ["LEDGER_TABLE"],
        Item={
            "id": {"S": context.aws_request_id},
            "payment_id": {"S": refund["payment_id"]},
            "amount": {"N": str(-refund["amount"])},
        },
    )
    time.sleep(3)
    return {
        "statusCode": 201,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"refunded": refund["amount"], "receipt": context.aws_request_id}),
    }
