"""The event sources whose records come in batches: one row of a table each.

| source           | item identifier           | unique and the same when delivered again |
|------------------|---------------------------|------------------------------------------|
| SQS, SQS FIFO    | `messageId`               | `messageId`                              |
| Kinesis          | `kinesis.sequenceNumber`  | `eventID`: a shard and a sequence number |
| DynamoDB Streams | `dynamodb.SequenceNumber` | `eventID`                                |

A sequence number alone is unique within its shard only. See "Using Lambda with Amazon SQS", "with
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
"""Returns the text at a path of a record. Raises `ConfigurationError` where there is none."""


class BatchSource(NamedTuple):
    """What there is to know of a source."""

    item: tuple[str, ...]
    """The path of the identifier that the batch's response names a record by."""
    identity: str
    """The field that tells a record from all others, and stays when it is delivered again."""
    group: Callable[[str, Field], str | None]
    """Takes the source's ARN; returns what has to stop when the record fails, to keep an order."""
    data: Callable[[Delivered], Any]
    """Returns what a record brings, without what its delivery adds."""
    view: Callable[[Delivered], Any]
    """Returns the record as expressions see it, its JSON texts decoded. Raises ValueError where a
    text is JSON that does not say one thing."""


def source_of(event: Any) -> str | None:
    """Return the name of the event's source, where the event is a batch of one of `SOURCES`."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    first = records[0] if isinstance(records, list) and records else None
    source = first.get("eventSource") if isinstance(first, Mapping) else None
    return source if isinstance(source, str) and source in SOURCES else None


def _message_group(arn: str, field: Field) -> str | None:
    return field("attributes", "MessageGroupId") if arn.endswith(".fifo") else None


def _shard(_: str, __: Field) -> str:
    return ""  # a batch is of one shard, and all that follows waits


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
        view=lambda record: record,  # the images are as AWS writes them, types included
    ),
}
