"""A handler with a large response, and one that tries to get another function's."""

from __future__ import annotations

import os
from typing import Any

import boto3

from lambda_idempotency import current, idempotent


@idempotent
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return {
        "receipt": context.aws_request_id,
        "record": current().key,
        "body": os.urandom(event["size"]).hex(),
    }


def steal(event: dict[str, Any], _: Any) -> str:
    """Apply the event's verb to the event's object, and return "done" or the error's code."""
    s3 = boto3.client("s3")
    request = {"Bucket": os.environ["IDEMPOTENCY_LARGE_RESPONSES"], "Key": event["object"]}
    try:
        getattr(s3, event["verb"])(**request)
    except s3.exceptions.ClientError as error:
        code: str = error.response["Error"]["Code"]
        return code
    return "done"
