"""examples/legacy: an invoice is sent twice, and once more with another amount."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kit.aws.local import ROOT, LocalAws, Outputs
from kit.redis.servers import until

pytestmark = pytest.mark.xdist_group("deployed")

EXAMPLE = ROOT / "examples" / "legacy"
INVOICE = {"invoice": {"number": "2026-17", "amount": 100}}
CHANGED = {"invoice": {"number": "2026-17", "amount": 999}}


class Legacy:
    """The deployed example."""

    def __init__(self, aws: LocalAws, outputs: dict[str, str]) -> None:
        self._clients = {name: aws.client(name) for name in ("lambda", "dynamodb", "sqs", "logs")}
        self._function = outputs["BillingName"]
        self._books, self._failed = outputs["BooksName"], outputs["FailedUrl"]

    def close(self) -> None:
        """Close its clients."""
        for client in self._clients.values():
            client.close()

    def invoke(self, event: dict[str, Any]) -> None:
        """Invoke the function asynchronously."""
        answer = self._clients["lambda"].invoke(
            FunctionName=self._function,
            InvocationType="Event",
            Payload=json.dumps(event).encode(),
        )
        assert answer["StatusCode"] == 202

    def booked(self) -> list[tuple[str, int]]:
        """Return the entries in the books: number and amount."""
        table = self._clients["dynamodb"].scan(TableName=self._books, ConsistentRead=True)
        return [(row["number"]["S"], int(row["amount"]["N"])) for row in table["Items"]]

    def succeeded(self) -> int:
        """How many invocations have ended without an error."""
        group = f"/aws/lambda/{self._function}"
        logs = self._clients["logs"]
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return 0
        lines = [event["message"] for event in events]
        failed = [line for line in lines if line.startswith("Traceback")]
        return len([line for line in lines if line.startswith("END ")]) - len(failed)

    def failed(self) -> list[dict[str, Any]]:
        """Return the events that Lambda has given up, with the result of their last attempt."""
        answer = self._clients["sqs"].receive_message(
            QueueUrl=self._failed, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", ())]


@pytest.fixture(scope="module")
def legacy(guarded_aws: LocalAws, outputs: Outputs) -> Iterator[Legacy]:
    """Yield the example, after all its events were handled."""
    legacy = Legacy(guarded_aws, outputs["Legacy"])
    # One that meets the other's run fails, and Lambda delivers it again.
    legacy.invoke(INVOICE)
    legacy.invoke(INVOICE)
    until(lambda: legacy.succeeded() == 2, "both events have succeeded", seconds=60)
    legacy.invoke(CHANGED)
    until(legacy.failed, "the changed invoice has failed", seconds=60)
    yield legacy
    legacy.close()


def test_an_invoice_that_is_sent_twice_is_booked_once(legacy: Legacy) -> None:
    assert legacy.booked() == [("2026-17", 100)]


def test_an_invoice_that_reuses_a_number_goes_to_the_failed_ones(legacy: Legacy) -> None:
    [failed] = legacy.failed()
    assert failed["requestPayload"] == CHANGED
    assert "the same key and another payload" in failed["responsePayload"]["errorMessage"]


def test_the_function_knows_nothing_of_the_layer() -> None:
    code = [file.read_text() for file in (EXAMPLE / "function").rglob("*.py")]
    assert code
    assert not any("lambda_idempotency" in text for text in code)
