"""An order of two steps and an answer, whose process dies where the event says."""

from __future__ import annotations

import os
from typing import Any

from lambda_idempotency import current, idempotent


@idempotent
def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    def dies(line: str) -> None:
        if event.get("dies") == line:
            os._exit(1)

    def charge() -> str:
        _pay(event["id"], current().downstream_key("charge"))
        dies("charging")
        return context.aws_request_id  # type: ignore[no-any-return]

    def reserve() -> str:
        dies("reserving")
        return context.aws_request_id  # type: ignore[no-any-return]

    charged = current().step("charge", charge)
    dies("charged")
    reserved = current().step("stock", reserve, writes=_reservation(event["id"]))
    dies("reserved")
    return {"charge": charged, "stock": reserved, "by": context.aws_request_id}


def _pay(order: str, key: str) -> None:
    """Pay as a service does that takes an idempotency key."""
    if table := os.environ.get("EFFECTS_TABLE"):
        import boto3

        names = {"id": f"charge {key}", "of": order, "downstream": key}
        item = {name: {"S": value} for name, value in names.items()}
        boto3.client("dynamodb").put_item(TableName=table, Item=item)


def _reservation(order: str) -> list[dict[str, Any]]:
    """Return the writes that reserve the stock, where the records are in DynamoDB."""
    if "IDEMPOTENCY_TABLE" not in os.environ:
        return []
    update = {
        "TableName": os.environ["EFFECTS_TABLE"],
        "Key": {"id": {"S": f"stock {order}"}},
        "UpdateExpression": "SET #of = :of, downstream = :none ADD taken :one",
        "ExpressionAttributeNames": {"#of": "of"},
        "ExpressionAttributeValues": {
            ":of": {"S": "stock"},
            ":none": {"S": ""},
            ":one": {"N": "1"},
        },
    }
    return [{"Update": update}]
