"""The event sources whose records come in batches: each is a row of one table.

| source           | item identifier           | unique and the same when delivered again |
|------------------|---------------------------|------------------------------------------|
| SQS, SQS FIFO    | `messageId`               | `messageId`                              |
| Kinesis          | `kinesis.sequenceNumber`  | `eventID`: a shard and a sequence number |
| DynamoDB Streams | `dynamodb.SequenceNumber` | `eventID`                                |

A sequence number alone is unique only within its shard. From "Using Lambda with Amazon SQS", "with
Kinesis" and "with DynamoDB": https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from .texts import decoded

Delivered: TypeAlias = Mapping[str, Any]
"""A record as its source delivers it."""

Field: TypeAlias = Callable[..., str]
"""Returns the text at a path of a record. Raises `ConfigurationError` if there is none."""


class BatchSource(NamedTuple):
    """The facts about one source."""

    item: tuple[str, ...]
    """The path of the identifier by which the batch's response names a record."""
    identity: str
    """The field that tells a record from all others and stays the same in a redelivery."""
    group: Callable[[str, Field], str | None]
    """Takes the source's ARN. Returns the group that must stop when the record fails, to keep its
    order; None: no group."""
    data: Callable[[Delivered], Any]
    """Returns the content of a record, without what the delivery adds to it."""
    view: Callable[[Delivered], Any]
    """Returns the record as expressions see it, with its JSON texts decoded. Raises ValueError if a
    text is ambiguous JSON."""


def source_of(event: Any) -> str | None:
    """Return the name of the event's source if the event is a batch of one of `SOURCES`."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    first = records[0] if isinstance(records, list) and records else None
    source = first.get("eventSource") if isinstance(first, Mapping) else None
    return source if isinstance(source, str) and source in SOURCES else None


def _message_group(arn: str, field: Field) -> str | None:
    return field("attributes", "MessageGroupId") if arn.endswith(".fifo") else None


def _shard(_: str, __: Field) -> str:
    return ""  # all records of a batch are of one shard: after a failure, the rest must wait


def _message_view(message: Delivered) -> Any:
    if not isinstance(body := message.get("body"), str):
        return message
    return {**message, "body": decoded(body, base64_encoded=False)}


def _kinesis_view(record: Delivered) -> Any:
    kinesis = record["kinesis"]
    if not isinstance(data := kinesis.get("data"), str):
        return record
    return {**record, "kinesis": {**kinesis, "data": decoded(data, base64_encoded=True)}}


def _change(record: Delivered) -> list[Any]:
    change = record["dynamodb"]
    images = (change.get(name) for name in ("Keys", "NewImage", "OldImage"))
    return [record.get("eventName"), *images]


SOURCES: Final[Mapping[str, BatchSource]] = {
    "aws:sqs": BatchSource(
        item=("messageId",),
        identity="messageId",
        group=_message_group,
        data=lambda message: message.get("body"),
        view=_message_view,
    ),
    "aws:kinesis": BatchSource(
        item=("kinesis", "sequenceNumber"),
        identity="eventID",
        group=_shard,
        data=lambda record: record["kinesis"].get("data"),
        view=_kinesis_view,
    ),
    "aws:dynamodb": BatchSource(
        item=("dynamodb", "SequenceNumber"),
        identity="eventID",
        group=_shard,
        data=_change,
        view=lambda record: record,  # expressions see the images as AWS writes them, with types
    ),
}
