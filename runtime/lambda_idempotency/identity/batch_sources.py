"""The event sources whose records come in batches: each is a row of one table.

| source                 | in the batch's response     | unique, the same when delivered again    |
|------------------------|-----------------------------|------------------------------------------|
| SQS, SQS FIFO          | `messageId`                 | `messageId`                              |
| Kinesis                | `kinesis.sequenceNumber`    | `eventID`: a shard and a sequence number |
| DynamoDB Streams       | `dynamodb.SequenceNumber`   | `eventID`                                |
| Kafka                  | `{partition, offset}`       | topic, partition, offset and timestamp   |
| ActiveMQ               | -                           | `messageID`                              |
| RabbitMQ               | -                           | - (`messageId` is up to its publishers)  |
| DocumentDB             | -                           | `event._id._data`                        |
| pipe: SQS              | `messageId`                 | as above                                 |
| pipe: Kinesis, Streams | `eventID`                   | as above                                 |
| pipe: Kafka, Amazon MQ | -                           | as above                                 |

A sequence number alone is unique only within its shard. A topic that is made anew counts offsets
from 0, at other times. Where a source reads no response, the whole batch comes again if the
function raises. From the Lambda guide (https://docs.aws.amazon.com/lambda/latest/dg/):
services-sqs-errorhandling.html, services-kinesis-batchfailurereporting.html,
services-ddb-batchfailurereporting.html, kafka-retry-configurations.html, with-mq.html,
with-documentdb.html; and from the EventBridge guide
(https://docs.aws.amazon.com/eventbridge/latest/userguide/): eb-pipes-batching-concurrency.html,
eb-pipes-kinesis.html, eb-pipes-msk.html, eb-pipes-mq.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ..tuples import NamedTuple
from .batch_fields import (
    Delivered,
    Fields,
    Unpacked,
    arn,
    below,
    changed_document,
    collection,
    field,
    image,
    in_list,
    in_records,
    kafka_identifier,
    kafka_identity,
    message_group,
    no_group,
    partition,
    queue_of_activemq,
    queue_of_rabbitmq,
    read,
    topic,
    topic_of_brokers,
    whole_batch,
)


class BatchSource(NamedTuple):
    """The facts about one source."""

    title: str
    """Its name for people."""
    records: Callable[[Any], Iterable[Unpacked] | None]
    """Returns the records of a batch, in order; None if the event is no such batch."""
    origin: Callable[[Fields], str]
    """Returns the name of the queue, stream, table or topic. Equal keys of two are two keys."""
    identity: Callable[[Fields], Any] | None
    """Returns what tells a record from all others of its origin, and stays the same in a
    redelivery. None: the source has nothing like it."""
    identifier: Callable[[Fields], Any]
    """Returns what names a record, in the batch's response and in logs."""
    responds: bool
    """True if the source reads a response and delivers the failed records alone. False: it delivers
    the whole batch again, if the function raises."""
    group: Callable[[Fields], str | None]
    """Returns the group that must stop when the record fails, to keep its order; None: no group."""
    data: Callable[[Delivered], Any]
    """Returns the content of a record, without what the delivery adds to it."""
    view: Callable[[Delivered], Any]
    """Returns the record as expressions see it, with its JSON texts decoded. Raises ValueError if a
    text is ambiguous JSON."""


class DeliveredBatch(NamedTuple):
    """The records of an event, and their source."""

    source_name: str
    source: BatchSource
    records: list[Unpacked]


def batch_of(event: Any) -> DeliveredBatch | None:
    """Return the event's records if it is a batch of an event source mapping or a pipe."""
    table = PIPES if isinstance(event, list) else MAPPINGS
    name = _source_name(event)
    source = table.get(name) if isinstance(name, str) else None
    records = None if source is None else source.records(event)
    if source is None or records is None:
        return None
    return DeliveredBatch(name, source, list(records))


def _source_name(event: Any) -> Any:
    """Return the `eventSource` of a batch, or of the first of its records."""
    records = event.get("Records", event) if isinstance(event, Mapping) else event
    first = records[0] if isinstance(records, list) and records else records
    return first.get("eventSource") if isinstance(first, Mapping) else None


# The table ----------------------------------------------------------------------------------------

_SQS: Final = BatchSource(
    title="SQS",
    records=in_records,
    origin=arn,
    identity=field("messageId"),
    identifier=field("messageId"),
    responds=True,
    group=message_group,
    data=lambda message: message.get("body"),
    view=lambda message: read(message, "body", base64_encoded=False),
)
_KINESIS: Final = BatchSource(
    title="Kinesis",
    records=in_records,
    origin=arn,
    identity=field("eventID"),
    identifier=field("kinesis", "sequenceNumber"),
    responds=True,
    group=whole_batch,
    data=lambda record: record["kinesis"].get("data"),
    view=lambda record: {**record, "kinesis": read(record["kinesis"], "data")},
)
_STREAMS: Final = BatchSource(
    title="DynamoDB Streams",
    records=in_records,
    origin=arn,
    identity=field("eventID"),
    identifier=field("dynamodb", "SequenceNumber"),
    responds=True,
    group=whole_batch,
    data=image,
    view=lambda record: record,  # expressions see the images as AWS writes them, with types
)
_MSK: Final = BatchSource(
    title="Amazon MSK",
    records=below("records"),
    origin=topic,
    identity=kafka_identity,
    identifier=kafka_identifier,
    responds=True,
    group=partition,
    data=lambda record: [record.get("key"), record.get("value")],
    view=lambda record: read(read(record, "key"), "value"),
)
_KAFKA: Final = _MSK._replace(title="self-managed Kafka", origin=topic_of_brokers)
_ACTIVEMQ: Final = BatchSource(
    title="ActiveMQ",
    records=below("messages"),
    origin=queue_of_activemq,
    identity=field("messageID"),
    identifier=field("messageID"),
    responds=False,
    group=no_group,  # brokers keep no order between a message that comes again and others
    data=lambda message: message.get("data"),
    view=lambda message: read(message, "data"),
)
_RABBITMQ: Final = _ACTIVEMQ._replace(
    title="RabbitMQ",
    records=below("rmqMessagesByQueue"),
    origin=queue_of_rabbitmq,
    identity=None,
    identifier=lambda fields: f"number {fields.number}",
)
_DOCUMENTDB: Final = BatchSource(
    title="DocumentDB",
    records=below("events"),
    origin=collection,
    identity=field("event", "_id", "_data"),
    identifier=field("event", "_id", "_data"),
    responds=False,
    group=whole_batch,
    data=changed_document,
    view=lambda record: record,
)

MAPPINGS: Final[Mapping[str, BatchSource]] = {
    "aws:sqs": _SQS,
    "aws:kinesis": _KINESIS,
    "aws:dynamodb": _STREAMS,
    "aws:kafka": _MSK,
    "SelfManagedKafka": _KAFKA,  # as the Lambda guide has it
    "aws:SelfManagedKafka": _KAFKA,  # as in samples of events
    "aws:mq": _ACTIVEMQ,  # as the Lambda guide has it
    "aws:amq": _ACTIVEMQ,  # as the Amazon MQ guide has it
    "aws:rmq": _RABBITMQ,
    "aws:docdb": _DOCUMENTDB,
}
"""The sources that event source mappings poll, by the `eventSource` of their events."""

PIPES: Final[Mapping[str, BatchSource]] = {
    "aws:sqs": _SQS._replace(records=in_list),
    "aws:kinesis": _KINESIS._replace(
        records=in_list,
        identifier=field("eventID"),
        data=lambda record: record.get("data"),
        view=lambda record: read(record, "data"),
    ),
    "aws:dynamodb": _STREAMS._replace(records=in_list, identifier=field("eventID")),
    **{
        name: source._replace(records=in_list, responds=False)
        for name, source in MAPPINGS.items()
        if source in (_MSK, _KAFKA, _ACTIVEMQ, _RABBITMQ)
    },
}
"""The sources of EventBridge Pipes. The event is a list, whose records have all fields themselves.
"""
