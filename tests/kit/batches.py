"""Events with batches of records, as event source mappings deliver them."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

ACCOUNT: Final = "us-east-1:111111111111"
QUEUE: Final = f"arn:aws:sqs:{ACCOUNT}:orders"
FIFO_QUEUE: Final = f"arn:aws:sqs:{ACCOUNT}:orders.fifo"
STREAM: Final = f"arn:aws:kinesis:{ACCOUNT}:stream/orders"
TABLE_STREAM: Final = f"arn:aws:dynamodb:{ACCOUNT}:table/orders/stream/2026-01-01T00:00:00.000"

Record = dict[str, Any]


def sqs(item: str, body: Any = None, *, arn: str = QUEUE, group: str | None = None) -> Record:
    """Return a message; `body` is JSON, or a text as it is."""
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"}
    if group is not None:
        attributes["MessageGroupId"] = group
    return {
        "messageId": item,
        "receiptHandle": f"handle-{item}",
        "body": body if isinstance(body, str) else json.dumps({} if body is None else body),
        "attributes": attributes,
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }


def fifo(item: str, group: str = "a", body: Any = None) -> Record:
    """Return a message of a FIFO queue."""
    return sqs(item, body, arn=FIFO_QUEUE, group=group)


def kinesis(item: str, data: Any = None, *, shard: str = "0", arn: str = STREAM) -> Record:
    """Return a record of a stream; `data` is JSON, or bytes as they are."""
    raw = data if isinstance(data, bytes) else json.dumps({} if data is None else data).encode()
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": item,
            "data": base64.b64encode(raw).decode(),
            "approximateArrivalTimestamp": 1545084650.987,
        },
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-{shard:0>12}:{item}",
        "eventName": "aws:kinesis:record",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }


def dynamodb(item: str, order: str = "1", *, event_id: str | None = None) -> Record:
    """Return a change of a table's item."""
    return {
        "eventID": f"event-{item}" if event_id is None else event_id,
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": TABLE_STREAM,
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1428537600,
            "Keys": {"id": {"S": order}},
            "NewImage": {"id": {"S": order}, "amount": {"N": "5"}},
            "SequenceNumber": item,
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def item_of(record: Record) -> str:
    """Return the name of a record in the response."""
    if record["eventSource"] == "aws:sqs":
        return str(record["messageId"])
    if record["eventSource"] == "aws:kinesis":
        return str(record["kinesis"]["sequenceNumber"])
    return str(record["dynamodb"]["SequenceNumber"])


def batch(*records: Record) -> dict[str, Any]:
    """Return the event with these records."""
    return {"Records": list(records)}


def failures(response: Any) -> list[str]:
    """Return the items that a response names, checked to hold nothing else."""
    assert list(response) == ["batchItemFailures"]
    assert all(list(failure) == ["itemIdentifier"] for failure in response["batchItemFailures"])
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


class Orders:
    """A handler of records that remembers what it did. `poisoned` items raise."""

    def __init__(self, *poisoned: str) -> None:
        self.poisoned: dict[str, BaseException] = {item: ValueError("a bug") for item in poisoned}
        self.started: list[str] = []
        self.done: list[str] = []

    def __call__(self, record: Record, context: Any) -> str:
        item = item_of(record)
        self.started.append(item)
        if item in self.poisoned:
            raise self.poisoned[item]
        self.done.append(item)
        return "nobody reads this"
