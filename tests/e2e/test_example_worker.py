"""examples/worker: orders are sent twice, changed, and sent without anything to ship."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from kit.aws.local import LocalAws, Outputs
from kit.redis.app import RedisForApp
from kit.redis.servers import until

pytestmark = pytest.mark.xdist_group("deployed")

ORDER = {"order_id": "once", "quantity": 2}
CHANGED = {**ORDER, "quantity": 200}
EMPTY = {"order_id": "empty", "quantity": 0}
VISIBILITY = 5
"""Seconds, the function's timeout: a failed message comes back sooner than in the example."""


class Worker:
    """The deployed example."""

    def __init__(self, aws: LocalAws, outputs: dict[str, str]) -> None:
        self._sqs = aws.client("sqs")
        self._dynamodb = aws.client("dynamodb")
        self._orders, self._failed = outputs["OrdersUrl"], outputs["FailedUrl"]
        self._shipments = outputs["ShipmentsName"]
        self._sqs.set_queue_attributes(
            QueueUrl=self._orders, Attributes={"VisibilityTimeout": str(VISIBILITY)}
        )

    def close(self) -> None:
        """Close its clients."""
        self._sqs.close()
        self._dynamodb.close()

    def send(self, *orders: dict[str, Any]) -> None:
        """Send messages in one request, and wait until they have left the queue."""
        entries = [
            {"Id": str(number), "MessageBody": json.dumps(order)}
            for number, order in enumerate(orders)
        ]
        answer = self._sqs.send_message_batch(QueueUrl=self._orders, Entries=entries)
        assert len(answer["Successful"]) == len(orders)
        until(lambda: self._waiting(self._orders) == 0, "the queue is empty", seconds=60)

    def shipped(self) -> list[tuple[str, int]]:
        """Return the shipments: order and quantity."""
        rows = self._dynamodb.scan(TableName=self._shipments, ConsistentRead=True)["Items"]
        return [(row["order_id"]["S"], int(row["quantity"]["N"])) for row in rows]

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return the orders that have failed."""
        answer = self._sqs.receive_message(
            QueueUrl=self._failed, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", ())]

    def _waiting(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)


@pytest.fixture(scope="module")
def worker(guarded_aws: LocalAws, outputs: Outputs) -> Iterator[Worker]:
    """Yield the example, after all its orders were handled."""
    worker = Worker(guarded_aws, outputs["Worker"])
    worker.send(ORDER, ORDER)
    worker.send(ORDER, CHANGED, EMPTY, {"order_id": "other", "quantity": 1})
    yield worker
    worker.close()


def test_an_order_is_shipped_once_however_often_it_is_sent(worker: Worker) -> None:
    assert Counter(worker.shipped())["once", 2] == 1


def test_an_order_that_fails_holds_up_no_other(worker: Worker) -> None:
    assert sorted(worker.shipped()) == [("once", 2), ("other", 1)]


def test_what_fails_each_time_and_what_reuses_an_order_s_number_are_dead_letters(
    worker: Worker,
) -> None:
    found = worker.dead_letters()
    assert sorted(found, key=lambda order: order["quantity"]) == [EMPTY, CHANGED]


def test_the_records_are_in_redis(worker: Worker, redis_of_worker: RedisForApp) -> None:
    with redis_of_worker.server.admin() as admin:
        records = admin.keys("orders/Worker/Worker#*")
    assert len(records) == len(worker.shipped())
