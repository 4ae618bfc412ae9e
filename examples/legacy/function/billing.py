"""The bookkeeping of invoices. It knows nothing of idempotency, and has not changed for years."""

import os
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")


def book(event: dict[str, Any], context: Any) -> None:
    invoice = event["invoice"]
    dynamodb.put_item(
        TableName=os.environ["BOOKS_TABLE"],
        Item={
            "id": {"S": context.aws_request_id},
            "number": {"S": invoice["number"]},
            "amount": {"N": str(invoice["amount"])},
        },
    )
