"""The charge of a customer. Every run adds a ledger entry with a new id, so a second one shows."""

import json
import os
from typing import Any

import boto3

from lambda_idempotency import current, idempotent

ledger = boto3.client("dynamodb")


@idempotent
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    payment = json.loads(event["body"])
    if payment.get("die_in_attempt") == current().attempt:
        os._exit(1)  # what a crash, a timeout or a lost worker looks like from outside
    ledger.put_item(
        TableName=os.environ["LEDGER_TABLE"],
        Item={
            "id": {"S": context.aws_request_id},
            "payment_id": {"S": payment["payment_id"]},
            "amount": {"N": str(payment["amount"])},
        },
    )
    return {
        "statusCode": 201,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"charged": payment["amount"], "receipt": context.aws_request_id}),
    }
