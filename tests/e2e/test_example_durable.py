"""examples/durable: orders are sent twice while they are suspended, killed, stopped, timed out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kit.aws.local import LocalAws, Outputs
from kit.redis.servers import until
from lambda_idempotency import execution_name

pytestmark = pytest.mark.xdist_group("deployed")

APPROVER = "ann"
PATIENCE_S = 60


class Orders:
    """The deployed example."""

    def __init__(self, aws: LocalAws, outputs: dict[str, str]) -> None:
        self.client = aws.client("lambda")
        self._dynamodb = aws.client("dynamodb")
        self.function, self._ledger = outputs["OrdersName"], outputs["LedgerName"]

    def close(self) -> None:
        """Close its clients."""
        self.client.close()
        self._dynamodb.close()

    def start(self, order: dict[str, Any], **options: Any) -> str:
        """Start an execution, and return its ARN."""
        started = self.client.invoke(
            FunctionName=f"{self.function}:$LATEST",
            InvocationType="Event",
            Payload=json.dumps(order).encode(),
            **options,
        )
        return str(started["DurableExecutionArn"])

    def answer(self, order: dict[str, Any]) -> tuple[bool, Any]:
        """Start an execution, and wait for its answer. Return whether it succeeded, and what."""
        answer = self.client.invoke(
            FunctionName=f"{self.function}:$LATEST", Payload=json.dumps(order).encode()
        )
        return "FunctionError" not in answer, json.loads(answer["Payload"].read())

    def named(self, order: dict[str, Any]) -> str:
        """Start the execution that is named after its order."""
        name = execution_name(order["order_id"], function=self.function)
        return self.start(order, DurableExecutionName=name)

    def suspended(self, order: dict[str, Any], *, approvals: int = 1) -> str:
        """Start an execution, and wait until it is suspended."""
        arn = self.named(order) if approvals == 1 else self.start(order)
        until(lambda: self._waits(arn), "the execution is suspended", seconds=PATIENCE_S)
        assert len(self.sent("approval", order)) == approvals
        return arn

    def approve(self, order: dict[str, Any]) -> None:
        """Approve an order, for each execution that waits."""
        for callback in self.sent("approval", order):
            try:
                self.client.send_durable_execution_callback_success(
                    CallbackId=callback, Result=APPROVER.encode()
                )
            except self.client.exceptions.CallbackTimeoutException:
                continue  # of an execution that has ended

    def ended(self, arn: str) -> dict[str, Any]:
        """Wait for an execution's end; return what Lambda says of it."""
        until(lambda: self.found(arn)["Status"] != "RUNNING", "it has ended", seconds=PATIENCE_S)
        return self.found(arn)

    def result(self, arn: str) -> Any:
        """Wait for an execution's end; return its result."""
        ended = self.ended(arn)
        assert ended["Status"] == "SUCCEEDED", ended
        return json.loads(ended["Result"])

    def found(self, arn: str) -> dict[str, Any]:
        """Return what Lambda says of an execution."""
        found: dict[str, Any] = self.client.get_durable_execution(DurableExecutionArn=arn)
        return found

    def sent(self, what: str, order: dict[str, Any]) -> dict[str, int]:
        """Return the requests to a service for an order: how often each was sent, by its key."""
        rows = self._dynamodb.scan(TableName=self._ledger, ConsistentRead=True)["Items"]
        wanted = (what, order["order_id"])
        return {
            row["key"]["S"]: int(row["sent"]["N"])
            for row in rows
            if (row["what"]["S"], row["order_id"]["S"]) == wanted
        }

    def limit(self, seconds: int) -> None:
        """Let executions that are started from now on time out."""
        self.client.update_function_configuration(
            FunctionName=self.function, DurableConfig={"ExecutionTimeout": seconds}
        )

    def _waits(self, arn: str) -> bool:
        """Tell whether the last invocation has ended, after it has asked for an approval."""
        history = self.client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]
        kinds = [event["EventType"] for event in history]
        return "CallbackStarted" in kinds and kinds[-1] == "InvocationCompleted"


def _order(name: str, **more: Any) -> dict[str, Any]:
    return {"order_id": name, "amount": 100, **more}


@pytest.fixture(scope="module")
def orders(guarded_aws: LocalAws, outputs: Outputs) -> Iterator[Orders]:
    """Yield the example."""
    orders = Orders(guarded_aws, outputs["Durable"])
    yield orders
    orders.close()


def test_duplicates_of_a_suspended_order_change_nothing(orders: Orders) -> None:
    order = _order("suspended")
    first = orders.suspended(order)
    # By its name Lambda finds it; without a name, or under another one, its key does.
    assert orders.named(order) == first
    duplicate = orders.ended(orders.start(order))
    assert duplicate["Status"] == "FAILED"
    assert duplicate["Error"]["ErrorType"] == "lambda_idempotency.errors.InProgressError"
    with pytest.raises(orders.client.exceptions.DurableExecutionAlreadyStartedException):
        orders.named({**order, "amount": 999})
    orders.approve(order)
    answer = orders.result(first)
    assert answer == {"order_id": "suspended", "charges": 1, "approved_by": APPROVER}
    assert orders.answer(order) == (True, answer)
    succeeded, error = orders.answer({**order, "amount": 999})
    assert not succeeded
    assert error["errorType"].endswith(".FingerprintMismatchError")
    for what in ("charge", "approval", "shipment"):
        assert list(orders.sent(what, order).values()) == [1]


def test_an_order_that_is_killed_in_a_step_goes_on(orders: Orders) -> None:
    order = _order("killed", die_after="charge")
    arn = orders.suspended(order)
    orders.approve(order)
    assert orders.result(arn)["charges"] == 2
    # The step was repeated, and the service that was asked knows the request by its key.
    assert list(orders.sent("charge", order).values()) == [2]
    assert list(orders.sent("shipment", order).values()) == [1]


def test_an_order_that_is_stopped_is_taken_over(orders: Orders) -> None:
    order = _order("stopped")
    arn = orders.suspended(order)
    orders.client.stop_durable_execution(DurableExecutionArn=arn)
    assert orders.found(arn)["Status"] == "STOPPED"
    _is_taken_over(orders, order)


def test_an_order_that_times_out_is_taken_over(orders: Orders) -> None:
    for seconds in (3, 6, 12, 24):  # on a busy machine it comes to its approval later
        order = _order(f"late-{seconds}")
        orders.limit(seconds)
        arn = orders.named(order)
        assert orders.ended(arn)["Status"] == "TIMED_OUT"
        if orders.sent("approval", order):
            break
    orders.limit(7 * 24 * 3600)
    _is_taken_over(orders, order)


def _is_taken_over(orders: Orders, order: dict[str, Any]) -> None:
    """Check that another execution goes on with an order, with the same keys downstream."""
    arn = orders.suspended(order, approvals=2)
    orders.approve(order)
    assert orders.result(arn)["charges"] == 2
    assert list(orders.sent("charge", order).values()) == [2]
    assert list(orders.sent("shipment", order).values()) == [1]
