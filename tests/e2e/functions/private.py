"""A handler whose answers nobody may read, and a function that tries to."""

from __future__ import annotations

import os
from base64 import b64decode
from typing import Any

import boto3

from lambda_idempotency import current, idempotent


@idempotent
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    def charge() -> dict[str, Any]:
        return {"card": event["card"], "receipt": context.aws_request_id}

    put = {
        "TableName": os.environ["EFFECTS_TABLE"],
        "Item": {
            "id": {"S": context.aws_request_id},
            "of": {"S": event["id"]},
            "downstream": {"S": ""},
        },
    }
    charged = current().step("charge", charge, writes=[{"Put": put}])
    if event.get("raises"):
        raise RuntimeError("asked to")
    return {"charged": charged, "record": current().key, "lines": event["card"] * event["times"]}


def decrypt(event: dict[str, Any], _: Any) -> str:
    """Decrypt the event's data key in the event's context; return "done" or the error's code."""
    kms = boto3.client("kms")
    try:
        kms.decrypt(
            CiphertextBlob=b64decode(event["encrypted"]),
            EncryptionContext={"cdk-idempotency:namespace": event["namespace"]},
        )
    except kms.exceptions.ClientError as error:
        code: str = error.response["Error"]["Code"]
        return code
    return "done"
