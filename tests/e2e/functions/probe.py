"""A handler that does what its event says, and leaves one row in the effects table for each run."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import boto3

import lambda_idempotency
from lambda_idempotency import current, idempotent

dynamodb = boto3.client("dynamodb")


@idempotent
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    attempt = current().attempt
    if event.get("die_in_attempt", 0) >= attempt:
        os._exit(1)
    dynamodb.put_item(
        TableName=os.environ["EFFECTS_TABLE"],
        Item={
            "id": {"S": context.aws_request_id},
            "of": {"S": str(event.get("id"))},
            "downstream": {"S": current().downstream_key("charge")},
        },
    )
    if attempt == 1:
        time.sleep(event.get("sleep_in_first_attempt", 0))
    if attempt == 1 and event.get("raise_once"):
        raise RuntimeError("asked to")
    return {
        "receipt": context.aws_request_id,
        "attempt": attempt,
        "record": current().key,
        "package": lambda_idempotency.__file__,
    }


def trespass(event: dict[str, Any], _: Any) -> str:
    """Apply the event's operation to the table of records; return "done" or the error's code."""
    table = os.environ["IDEMPOTENCY_TABLE"]
    parameters = json.loads(json.dumps(event["parameters"]).replace("TABLE", table))
    try:
        getattr(dynamodb, event["operation"])(**parameters)
    except dynamodb.exceptions.ClientError as error:
        code: str = error.response["Error"]["Code"]
        return code
    return "done"
