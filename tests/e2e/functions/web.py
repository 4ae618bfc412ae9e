"""An HTTP handler that knows nothing of idempotency, and an authorizer.

The handler does what the body says and leaves one row in the effects table for each run.
"""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    wish = json.loads(event.get("body") or "{}")
    dynamodb.put_item(
        TableName=os.environ["EFFECTS_TABLE"],
        Item={
            "id": {"S": context.aws_request_id},
            "of": {"S": str(wish.get("id"))},
            "downstream": {"S": ""},
        },
    )
    time.sleep(wish.get("sleep", 0))
    if wish.get("raise"):
        raise RuntimeError("asked to")
    if wish.get("infer"):
        return {"receipt": context.aws_request_id}
    response: dict[str, Any] = {
        "statusCode": wish.get("status", 201),
        "headers": {"Content-Type": "application/json", "X-Run": context.aws_request_id},
        "body": json.dumps({"receipt": context.aws_request_id}),
    }
    if wish.get("binary"):
        content = bytes(range(256)) + context.aws_request_id.encode()
        response |= {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}
        response["headers"]["Content-Type"] = "application/octet-stream"
    if event.get("version") == "2.0":
        response["cookies"] = ["session=4711"]
    return response


def authorize(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Authorize anyone who gives a name: `Authorization: {user}@{tenant}`."""
    user, _, tenant = event["headers"].get("authorization", "").partition("@")
    return {"isAuthorized": bool(user), "context": {"principalId": user, "tenant": tenant}}


def authorize_token(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Authorize every request to a REST API; the token is the principal."""
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"}
    return {
        "principalId": event["authorizationToken"],
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }
