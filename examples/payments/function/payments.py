"""Charges a customer. Every run is written to the ledger under a new id, so a second one shows."""

import os
from typing import Any

import boto3

from lambda_idempotency import current, idempotent

ledger = boto3.client("dynamodb")


@idempotent
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if event.get("die_in_attempt") == current().attempt:
        os._exit(1)  # what a crash, a timeout or a lost worker looks like from outside
    ledger.put_item(
        TableName=os.environ["LEDGER_TABLE"],
        Item={
            "id": {"S": context.aws_request_id},
            "payment_id": {"S": event["payment_id"]},
            "amount": {"N": str(event["amount"])},
        },
    )
    return {
        "payment_id": event["payment_id"],
        "charged": event["amount"],
        "charged_for": event["request_id"],
    }
