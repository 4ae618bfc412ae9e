"""The handling of an order: charge, wait for an approval, which may take days, ship.

The ledger stands for the services that are called. As they do, it knows a request by its key: each
has one row, which counts how often it was sent.
"""

import os
import signal
from typing import Any

import boto3
from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.types import WaitForCallbackContext

from lambda_idempotency import current, idempotent

ledger = boto3.client("dynamodb")


@durable_execution
@idempotent
def handler(order: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    charge_key = current().downstream_key("charge")
    ship_key = current().downstream_key("ship")

    def ask(callback: str, _: WaitForCallbackContext) -> None:
        send("approval", order, callback)

    sent = context.step(lambda _: send("charge", order, charge_key), name="charge")
    approved_by = context.wait_for_callback(ask, name="approve")
    context.step(lambda _: send("shipment", order, ship_key), name="ship")
    return {"order_id": order["order_id"], "charges": sent, "approved_by": approved_by}


def send(what: str, order: dict[str, Any], key: str) -> int:
    """Send a request, and return how often this one was sent."""
    row = ledger.update_item(
        TableName=os.environ["LEDGER_TABLE"],
        Key={"id": {"S": f"{what} {key}"}},
        UpdateExpression="SET what = :what, order_id = :order, #key = :key ADD sent :one",
        ExpressionAttributeNames={"#key": "key"},
        ExpressionAttributeValues={
            ":what": {"S": what},
            ":order": {"S": order["order_id"]},
            ":key": {"S": key},
            ":one": {"N": "1"},
        },
        ReturnValues="UPDATED_NEW",
    )
    sent = int(row["Attributes"]["sent"]["N"])
    if order.get("die_after") == what and sent == 1:
        os.kill(os.getpid(), signal.SIGKILL)  # in the middle of the step: it is not recorded yet
    return sent
