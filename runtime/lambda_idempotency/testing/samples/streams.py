"""Events of streams and brokers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..batches import (
    activemq,
    batch,
    by_partition,
    by_queue,
    changes,
    documentdb,
    dynamodb,
    kafka,
    kinesis,
    messages,
    rabbitmq,
    self_managed,
)
from .sample import Sample


def _registry(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "valueSchemaMetadata": {"dataFormat": "JSON", "schemaId": "1"}}


SAMPLES: Final[Mapping[str, Sample]] = {
    "Kinesis": Sample(
        *(batch(kinesis("1")), "each record", ["shardId-000000000000:1"]),
        other={"Records/0/eventID": "shardId-000000000000:2"},
    ),
    "Kinesis, aggregated by the KPL": Sample(
        *(batch(kinesis("1", b"\xf3\x89\x9a\xc2")), "each record"),
        other={"Records/0/eventID": "shardId-000000000000:2"},
    ),
    "Tumbling window": Sample(
        {**batch(kinesis("1")), "window": {"start": "a", "end": "b"}, "state": {}}, "refused"
    ),
    "DynamoDB Streams": Sample(
        batch(dynamodb("1")), "each record", ["event-1"], {}, {"Records/0/eventID": "event-2"}
    ),
    "Amazon MSK": Sample(
        *(by_partition(kafka("1")), "each record", [["orders", 0, 1]]),
        other={"records/orders-0/0/offset": 2},
    ),
    "Self-managed Kafka": Sample(
        *(self_managed(kafka("1")), "each record", [["orders", 0, 1]]),
        again={"bootstrapServers": "b-2.example.com:9092,b-1.example.com:9092"},
        other={"bootstrapServers": "other.example.com:9092"},
    ),
    "Kafka, queue mode": Sample(
        *(by_partition(kafka("1")), "each record", [["orders", 0, 1]]),
        other={"records/orders-0/0/offset": 2},
    ),
    "Kafka with a schema registry": Sample(
        *(by_partition(_registry(kafka("1"))), "each record", [["orders", 0, 1]]),
        other={"records/orders-0/0/offset": 2},
    ),
    "ActiveMQ": Sample(
        *(messages(activemq("ID:1")), "each record", ["ID:1"]),
        again={"messages/0/redelivered": True, "messages/0/brokerOutTime": 2},
        other={"messages/0/messageID": "ID:2"},
    ),
    "RabbitMQ": Sample(by_queue(rabbitmq("1")), "refused", ["1"]),
    "DocumentDB": Sample(
        *(changes(documentdb("01")), "each record", ["01"]),
        again={"events/0/event/fullDocument": {"newer": True}},
        other={"events/0/event/_id/_data": "02"},
    ),
}
