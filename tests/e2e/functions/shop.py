"""Two handlers of one service, and an attempt to read the record of another one."""

from __future__ import annotations

import os
from typing import Any

import boto3

from lambda_idempotency import current, idempotent

dynamodb = boto3.client("dynamodb")


@idempotent
def create(event: dict[str, Any], context: Any) -> dict[str, str]:
    return {"by": os.environ["SERVICE"], "created": event["id"], "record": current().key}


@idempotent
def cancel(event: dict[str, Any], context: Any) -> dict[str, str]:
    return {"by": os.environ["SERVICE"], "cancelled": event["id"], "record": current().key}


def handler(event: dict[str, Any], context: Any) -> Any:
    """Create or cancel an order, or return the code of the error of reading a record."""
    if (record := event.get("read")) is None:
        return (cancel if event.get("cancel") else create)(event, context)
    try:
        dynamodb.get_item(TableName=os.environ["IDEMPOTENCY_TABLE"], Key={"id": {"S": record}})
    except dynamodb.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "done"
