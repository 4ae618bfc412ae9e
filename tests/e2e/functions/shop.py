"""Two handlers of one service, and attempts to read what belongs to another one."""

from __future__ import annotations

import os
from typing import Any

import boto3
import order  # type: ignore[import-not-found]  # beside it in the asset

from lambda_idempotency import IdempotencyError, current, idempotent
from lambda_idempotency.contract.settings import Settings
from lambda_idempotency.decorators.resources import store_of

ClientError = boto3.client("dynamodb").exceptions.ClientError


@idempotent
def create(event: dict[str, Any], context: Any) -> dict[str, str]:
    return {
        "by": os.environ["SERVICE"],
        "created": event["id"],
        "record": current().key,
        "body": os.urandom(event.get("size", 0)).hex(),
    }


@idempotent
def cancel(event: dict[str, Any], context: Any) -> dict[str, str]:
    return {"by": os.environ["SERVICE"], "cancelled": event["id"], "record": current().key}


def handler(event: dict[str, Any], context: Any) -> Any:
    """Create or cancel an order, or place one in steps; or read a record or an object, and return
    "done" or the error."""
    if "dies" in event:
        return order.handler(event, context)
    if (record := event.get("read")) is not None:
        return _read(record)
    if (name := event.get("object")) is not None:
        return _object(event["verb"], name)
    return (cancel if event.get("cancel") else create)(event, context)


def _read(record: str) -> str:
    if table := os.environ.get("IDEMPOTENCY_TABLE"):
        client = boto3.client("dynamodb")
        return _told(lambda: client.get_item(TableName=table, Key={"id": {"S": record}}))
    store = store_of(Settings.from_environment(os.environ), None)
    assert store is not None
    return _told(lambda: store.read(record))


def _object(verb: str, name: str) -> str:
    request = {"Bucket": os.environ["IDEMPOTENCY_LARGE_RESPONSES"], "Key": name}
    return _told(lambda: getattr(boto3.client("s3"), verb)(**request))


def _told(request: Any) -> str:
    try:
        request()
    except ClientError as error:
        code: str = error.response["Error"]["Code"]
        return code
    except IdempotencyError as error:
        return str(error)
    return "done"
