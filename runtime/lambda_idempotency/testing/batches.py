"""Events with batches of records, as event source mappings deliver them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..tuples import NamedTuple

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


def kafka(item: str, value: Any = None, *, partition: int = 0, topic: str = "orders") -> Record:
    """Return a record of a topic; `item` is its offset."""
    return {
        "topic": topic,
        "partition": partition,
        "offset": int(item),
        "timestamp": 1545084650987 + int(item),
        "timestampType": "CREATE_TIME",
        "key": _encoded("customer"),
        "value": _encoded({} if value is None else value),
        "headers": [{"trace": [97, 98]}],
    }


def activemq(item: str, data: Any = None, *, queue: str = "orders") -> Record:
    """Return a message of an ActiveMQ broker."""
    return {
        "messageID": item,
        "messageType": "jms/text-message",
        "deliveryMode": 1,
        "redelivered": False,
        "destination": {"physicalName": queue},
        "timestamp": 1598827811958,
        "brokerOutTime": 1598827811959,
        "data": _encoded({} if data is None else data),
        "properties": {},
    }


def rabbitmq(item: str | None, data: Any = None) -> Record:
    """Return a message of a RabbitMQ broker; its id is what the publisher sets, or None."""
    return {
        "basicProperties": {"contentType": "text/plain", "messageId": item, "bodySize": 80},
        "redelivered": False,
        "data": _encoded({} if data is None else data),
    }


def documentdb(item: str, document: Any = None) -> Record:
    """Return an event of a change stream; `item` is its token."""
    return {
        "event": {
            "_id": {"_data": item},
            "clusterTime": {"$timestamp": {"t": 1676588775, "i": 9}},
            "documentKey": {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}},
            "fullDocument": {} if document is None else document,
            "ns": {"db": "shop", "coll": "orders"},
            "operationType": "update",
        }
    }


def piped(record: Record, **fields: Any) -> Record:
    """Return a record as a pipe delivers it: flat, with the fields that the batch has elsewhere."""
    return {**record.get("kinesis", {}), **_without(record, "kinesis"), **fields}


def _without(record: Record, name: str) -> Record:
    return {field: value for field, value in record.items() if field != name}


def _encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.b64encode(raw).decode()


_ITEMS: Final = (
    *(("messageId",), ("kinesis", "sequenceNumber"), ("dynamodb", "SequenceNumber")),
    *(("sequenceNumber",), ("offset",), ("messageID",), ("basicProperties", "messageId")),
    ("event", "_id", "_data"),
)


def item_of(record: Record) -> str:
    """Return the text that the makers above were given to name a record."""
    for path in _ITEMS:
        value: Any = record
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            return str(value)
    raise AssertionError(f"no item in {record}")


def batch(*records: Record) -> dict[str, Any]:
    """Return the event with these records."""
    return {"Records": list(records)}


CLUSTER: Final = f"arn:aws:kafka:{ACCOUNT}:cluster/shop/abcd"
BROKERS: Final = "b-1.example.com:9092,b-2.example.com:9092"
BROKER: Final = f"arn:aws:mq:{ACCOUNT}:broker:shop:b-9bcf"


def by_partition(*records: Record, **fields: Any) -> dict[str, Any]:
    """Return the event of a Kafka cluster with these records."""
    partitions: dict[str, list[Record]] = {}
    for record in records:
        partitions.setdefault(f"{record['topic']}-{record['partition']}", []).append(record)
    return {"eventSource": "aws:kafka", "eventSourceArn": CLUSTER, "records": partitions, **fields}


def self_managed(*records: Record, brokers: str = BROKERS) -> dict[str, Any]:
    """Return the event of a Kafka cluster outside of AWS with these records."""
    event = by_partition(*records, eventSource="SelfManagedKafka", bootstrapServers=brokers)
    return _without(event, "eventSourceArn")


def messages(*records: Record) -> dict[str, Any]:
    """Return the event of an ActiveMQ broker with these messages."""
    return {"eventSource": "aws:mq", "eventSourceArn": BROKER, "messages": [*records]}


def by_queue(*records: Record, queue: str = "orders::/") -> dict[str, Any]:
    """Return the event of a RabbitMQ broker with these messages, of one queue."""
    queues = {queue: [*records]}
    return {"eventSource": "aws:rmq", "eventSourceArn": BROKER, "rmqMessagesByQueue": queues}


def changes(*records: Record) -> dict[str, Any]:
    """Return the event of a DocumentDB change stream with these records."""
    arn = f"arn:aws:rds:{ACCOUNT}:cluster:shop"
    return {"eventSource": "aws:docdb", "eventSourceArn": arn, "events": [*records]}


def pipe(*records: Record) -> list[Record]:
    """Return the event of a pipe with these records."""
    return [*records]


class Source(NamedTuple):
    """A source of batches: makers of a record of one group and of an event, and the identifier of a
    record in the response; None: it reads none."""

    make: Callable[[str], Record]
    event: Callable[..., Any] = batch
    identifier: Callable[[str], Any] | None = str
    ordered: bool = True
    key: str | None = None


def _piped_kafka(item: str) -> Record:
    fields = {"eventSource": "aws:kafka", "eventSourceArn": CLUSTER, "eventSourceKey": "orders-0"}
    return piped(kafka(item), **fields, partition="0")


def _piped_activemq(item: str) -> Record:
    fields = {"eventSource": "aws:amq", "eventSourceArn": BROKER}
    return piped(activemq(item), **fields, destination={"physicalname": "orders"})


def _piped_rabbitmq(item: str) -> Record:
    fields = {"eventSource": "aws:rmq", "eventSourceArn": BROKER, "eventSourceKey": "orders::/"}
    return piped(rabbitmq(item), **fields)


_SENT: Final = "basicProperties.messageId"

EVERY: Final[Mapping[str, Source]] = {
    "sqs": Source(sqs, ordered=False),
    "fifo": Source(fifo),
    "kinesis": Source(kinesis),
    "dynamodb": Source(dynamodb),
    "kafka": Source(kafka, by_partition, lambda n: {"partition": "orders-0", "offset": int(n)}),
    "self-managed kafka": Source(
        kafka, self_managed, lambda n: {"partition": "orders-0", "offset": int(n)}
    ),
    "activemq": Source(activemq, messages, None, ordered=False),
    "rabbitmq": Source(rabbitmq, by_queue, None, ordered=False, key=_SENT),
    "documentdb": Source(documentdb, changes, None),
    "pipe: sqs": Source(sqs, pipe, ordered=False),
    "pipe: kinesis": Source(
        lambda item: piped(kinesis(item)), pipe, lambda n: f"shardId-000000000000:{n}"
    ),
    "pipe: dynamodb": Source(dynamodb, pipe, lambda n: f"event-{n}"),
    "pipe: kafka": Source(_piped_kafka, pipe, None),
    "pipe: activemq": Source(_piped_activemq, pipe, None, ordered=False),
    "pipe: rabbitmq": Source(_piped_rabbitmq, pipe, None, ordered=False, key=_SENT),
}
