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
from typing import Any, Final, NamedTuple, TypeAlias

from ..errors import ConfigurationError
from .texts import decoded

Delivered: TypeAlias = Mapping[str, Any]
"""A record as its source delivers it."""

Unpacked: TypeAlias = tuple[Delivered, Mapping[str, Any]]
"""A record, and the fields that its batch has for all."""


class Fields(NamedTuple):
    """The fields of the record at a place of its batch, and those that the batch has for all."""

    delivered: Delivered
    shared: Mapping[str, Any]
    number: int
    source_name: str

    def get(self, *path: str) -> str | int | None:
        """Return the text or the integer at a path; None if there is none."""
        for start in (self.delivered, self.shared):
            value: Any = start
            for name in path:
                value = value.get(name) if isinstance(value, Mapping) else None
            if isinstance(value, str | int) and value != "":
                return value
        return None

    def need(self, *path: str) -> str | int:
        """Return the text or the integer at a path. Raises `ConfigurationError` if there is
        none."""
        if (value := self.get(*path)) is None:
            raise ConfigurationError(
                f"@idempotent_records: record {self.number} of the batch lacks {'.'.join(path)}, "
                f"which {self.source_name} gives to each; expected the event as it was delivered"
            )
        return value


class BatchSource(NamedTuple):
    """The facts about one source."""

    title: str
    """Its name for people."""
    records: Callable[[Any], Iterable[Unpacked] | None]
    """Returns the records of a batch, in order; None if the event is no such batch."""
    scope: Callable[[Fields], str]
    """Returns the name of the queue, stream, table or topic. Equal keys of two are two keys."""
    identity: Callable[[Fields], Any] | None
    """Returns what tells a record from all others of its scope, and stays the same in a
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


# The records of a batch ---------------------------------------------------------------------------


def _in_list(event: Any) -> Iterable[Unpacked]:
    return ((record, {}) for record in event)


def _in_records(event: Any) -> Iterable[Unpacked] | None:
    records = event.get("Records")
    return _in_list(records) if isinstance(records, list) else None


def _below(name: str) -> Callable[[Any], Iterable[Unpacked] | None]:
    """Return the records in a list, or in the lists of a mapping: by partition, or by queue."""

    def records(event: Any) -> Iterable[Unpacked] | None:
        lists = event.get(name)
        if isinstance(lists, list):
            return ((record, event) for record in lists)
        if not isinstance(lists, Mapping):
            return None
        return (
            (record, {**event, "eventSourceKey": key})  # the name that pipes have for it
            for key, several in lists.items()
            for record in several
        )

    return records


# What a record belongs to -------------------------------------------------------------------------


def _arn(fields: Fields) -> str:
    return str(fields.need("eventSourceARN"))


def _topic(fields: Fields) -> str:
    return f"{fields.need('eventSourceArn')} {fields.need('topic')}"


def _topic_of_brokers(fields: Fields) -> str:
    brokers = str(fields.need("bootstrapServers")).split(",")  # in any order
    return f"{','.join(sorted(broker.strip() for broker in brokers))} {fields.need('topic')}"


def _queue_of_activemq(fields: Fields) -> str:
    # AWS spells it in two ways: the Lambda guide in small letters, its Go events in camel case.
    queue = fields.get("destination", "physicalname") or fields.need("destination", "physicalName")
    return f"{fields.need('eventSourceArn')} {queue}"


def _queue_of_rabbitmq(fields: Fields) -> str:
    return f"{fields.need('eventSourceArn')} {fields.need('eventSourceKey')}"


def _collection(fields: Fields) -> str:
    database, collection = (fields.need("event", "ns", part) for part in ("db", "coll"))
    return f"{fields.need('eventSourceArn')} {database} {collection}"


def _message_group(fields: Fields) -> str | None:
    in_order = _arn(fields).endswith(".fifo")  # groups of a fair queue are for fairness alone
    return str(fields.need("attributes", "MessageGroupId")) if in_order else None


def _all(_: Fields) -> str:
    return ""  # all records of a batch are of one shard: after a failure, the rest must wait


def _partition(fields: Fields) -> str:
    return f"{fields.need('topic')}-{fields.need('partition')}"


def _none(_: Fields) -> None:
    return None


# What identifies a record -------------------------------------------------------------------------


def _field(*path: str) -> Callable[[Fields], str | int]:
    return lambda fields: fields.need(*path)


def _offset(fields: Fields) -> list[Any]:
    # A pipe has the partition as a text, an event source mapping as a number. The timestamp tells
    # an offset from the same one of a topic that was made anew.
    offset = str(fields.need("offset"))
    return [str(fields.need("partition")), offset, fields.get("timestamp")]


def _kafka_identifier(fields: Fields) -> dict[str, Any]:
    return {"partition": _partition(fields), "offset": fields.need("offset")}


# What a record holds ------------------------------------------------------------------------------


def _read(record: Delivered, name: str, *, base64_encoded: bool = True) -> Delivered:
    """Return the record with the text of a field decoded."""
    if not isinstance(text := record.get(name), str):
        return record
    # A schema registry turns a value into JSON, which is not in base64 then; no base64 starts so.
    is_json = text[:1] in ("{", "[", '"')
    return {**record, name: decoded(text, base64_encoded=base64_encoded and not is_json)}


def _change(record: Delivered) -> list[Any]:
    change = record["dynamodb"]
    images = (change.get(name) for name in ("Keys", "NewImage", "OldImage"))
    return [record.get("eventName"), *images]


def _document(record: Delivered) -> list[Any]:
    # Not the document: the one that is looked up for an update may be newer when it comes again.
    return [record["event"].get(name) for name in ("operationType", "ns", "documentKey")]


# The table ----------------------------------------------------------------------------------------

_SQS: Final = BatchSource(
    title="SQS",
    records=_in_records,
    scope=_arn,
    identity=_field("messageId"),
    identifier=_field("messageId"),
    responds=True,
    group=_message_group,
    data=lambda message: message.get("body"),
    view=lambda message: _read(message, "body", base64_encoded=False),
)
_KINESIS: Final = BatchSource(
    title="Kinesis",
    records=_in_records,
    scope=_arn,
    identity=_field("eventID"),
    identifier=_field("kinesis", "sequenceNumber"),
    responds=True,
    group=_all,
    data=lambda record: record["kinesis"].get("data"),
    view=lambda record: {**record, "kinesis": _read(record["kinesis"], "data")},
)
_STREAMS: Final = BatchSource(
    title="DynamoDB Streams",
    records=_in_records,
    scope=_arn,
    identity=_field("eventID"),
    identifier=_field("dynamodb", "SequenceNumber"),
    responds=True,
    group=_all,
    data=_change,
    view=lambda record: record,  # expressions see the images as AWS writes them, with types
)
_MSK: Final = BatchSource(
    title="Amazon MSK",
    records=_below("records"),
    scope=_topic,
    identity=_offset,
    identifier=_kafka_identifier,
    responds=True,
    group=_partition,
    data=lambda record: [record.get("key"), record.get("value")],
    view=lambda record: _read(_read(record, "key"), "value"),
)
_KAFKA: Final = _MSK._replace(title="self-managed Kafka", scope=_topic_of_brokers)
_ACTIVEMQ: Final = BatchSource(
    title="ActiveMQ",
    records=_below("messages"),
    scope=_queue_of_activemq,
    identity=_field("messageID"),
    identifier=_field("messageID"),
    responds=False,
    group=_none,  # brokers keep no order between a message that comes again and others
    data=lambda message: message.get("data"),
    view=lambda message: _read(message, "data"),
)
_RABBITMQ: Final = _ACTIVEMQ._replace(
    title="RabbitMQ",
    records=_below("rmqMessagesByQueue"),
    scope=_queue_of_rabbitmq,
    identity=None,
    identifier=lambda fields: f"number {fields.number}",
)
_DOCUMENTDB: Final = BatchSource(
    title="DocumentDB",
    records=_below("events"),
    scope=_collection,
    identity=_field("event", "_id", "_data"),
    identifier=_field("event", "_id", "_data"),
    responds=False,
    group=_all,
    data=_document,
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
    "aws:sqs": _SQS._replace(records=_in_list),
    "aws:kinesis": _KINESIS._replace(
        records=_in_list,
        identifier=_field("eventID"),
        data=lambda record: record.get("data"),
        view=lambda record: _read(record, "data"),
    ),
    "aws:dynamodb": _STREAMS._replace(records=_in_list, identifier=_field("eventID")),
    **{
        name: source._replace(records=_in_list, responds=False)
        for name, source in MAPPINGS.items()
        if source in (_MSK, _KAFKA, _ACTIVEMQ, _RABBITMQ)
    },
}
"""The sources of EventBridge Pipes. The event is a list, whose records have all fields themselves.
"""
