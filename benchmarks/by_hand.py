"""Two requests to DynamoDB by hand, through boto3 or on a bare socket."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from benchmarks.floor import BusyError, Floor, Handler, encoded

TABLE: Final = "bench"
STEPS: Final = ("charge", "reserve", "label")

Put = Callable[..., Any]
"""PutItem that returns the item in its way."""
Update = Callable[..., Any]


def with_boto3() -> tuple[Put, Update]:
    """Return the operations of boto3."""
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client("dynamodb")

    def put(**request: Any) -> Any:
        try:
            client.put_item(**request)
        except ClientError as error:
            return error.response.get("Item")
        return None

    return put, client.update_item


def with_floor(client: Floor) -> tuple[Put, Update]:
    """Return the operations of the floor."""
    return (
        lambda **request: client.call("DynamoDB_20120810.PutItem", request).get("Item"),
        lambda **request: client.call("DynamoDB_20120810.UpdateItem", request),
    )


def dynamodb(put: Put, update: Update, workload: str, function: Handler) -> Handler:
    """Wrap a function in a claim and a completion.

    An HTTP request's key is its header, and the text of its body must be the same again.
    """

    def handler(event: Any, context: Any) -> Any:
        text = event["headers"]["idempotency-key"] if workload == "http" else encoded(event)
        key = f"{context.function_name}#{sha256(text.encode()).hexdigest()}"
        body = sha256(event["body"].encode()).hexdigest() if workload == "http" else ""
        now = int(time.time() * 1000)
        found = put(
            TableName=TABLE,
            Item={
                "id": {"S": key},
                "status": {"S": "INPROGRESS"},
                "body": {"S": body},
                "expiration": {"N": str(now // 1000 + 24 * 3600)},
                "in_progress_expiration": {"N": str(now + 30_000)},
            },
            ConditionExpression="attribute_not_exists(id) OR expiration < :now",
            ExpressionAttributeValues={":now": {"N": str(now // 1000)}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        if found is not None:
            if found["status"]["S"] != "COMPLETED" or found["body"]["S"] != body:
                raise BusyError
            return json.loads(found["data"]["S"])
        if workload == "steps":
            result = {}
            for name in STEPS:
                result[name] = function(event, context)
                _set(update, key, name, encoded(result[name]))
        else:
            result = function(event, context)
        _set(update, key, "data", encoded(result))
        return result

    return each_record(handler) if workload == "batch" else handler


def _set(update: Update, key: str, name: str, data: str) -> None:
    """Write a step's result, or the answer, which completes the record."""
    update(
        TableName=TABLE,
        Key={"id": {"S": key}},
        UpdateExpression="SET #status = :status, #name = :data",
        ExpressionAttributeNames={"#status": "status", "#name": name},
        ExpressionAttributeValues={
            ":status": {"S": "COMPLETED" if name == "data" else "INPROGRESS"},
            ":data": {"S": data},
        },
    )


def each_record(handle: Handler) -> Handler:
    """Return the handler of a batch that is one call for each record."""

    def batch(event: Any, context: Any) -> Any:
        for record in event["Records"]:
            handle(record, context)
        return {"batchItemFailures": []}

    return batch
