"""The records of a batch, as AWS delivers and identifies them.

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

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from ..errors import ConfigurationError
from .events import batch_source, decoded

Delivered: TypeAlias = Mapping[str, Any]

_IDENTIFIERS: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:sqs": ("messageId",),
    "aws:kinesis": ("kinesis", "sequenceNumber"),
    "aws:dynamodb": ("dynamodb", "SequenceNumber"),
}


class BatchRecord(NamedTuple):
    """One record. `item` is how the batch's response names it; `group` is what has to stop when it
    fails, to keep an order; None: nothing."""

    delivered: Delivered
    source: str
    arn: str
    item: str
    group: str | None

    @property
    def identity(self) -> str:
        """What tells it from every other record of its source, and stays when it is redelivered."""
        return str(self.delivered["messageId" if self.source == "aws:sqs" else "eventID"])

    @property
    def data(self) -> Any:
        """What it brings, apart from what its delivery adds."""
        if self.source == "aws:sqs":
            return self.delivered.get("body")
        if self.source == "aws:kinesis":
            return self.delivered["kinesis"].get("data")
        change = self.delivered["dynamodb"]
        images = (change.get(name) for name in ("Keys", "NewImage", "OldImage"))
        return [self.delivered.get("eventName"), *images]

    def view(self) -> Any:
        """The record as expressions see it, its JSON texts decoded: the body of SQS, the data of
        Kinesis. The images of DynamoDB are as AWS writes them, types included.

        Raises ValueError where a text is JSON that does not say one thing.
        """
        if self.source == "aws:sqs" and isinstance(body := self.delivered.get("body"), str):
            return {**self.delivered, "body": decoded(body, base64_encoded=False)}
        if self.source == "aws:kinesis":
            kinesis = self.delivered["kinesis"]
            if isinstance(data := kinesis.get("data"), str):
                text = decoded(data, base64_encoded=True)
                return {**self.delivered, "kinesis": {**kinesis, "data": text}}
        return self.delivered


def records_of(event: Any) -> list[BatchRecord]:
    """The records of a batch, in its order. Raises `ConfigurationError` where it is none."""
    if isinstance(event, Mapping) and "window" in event:
        raise _refusal(
            "the batch is of a tumbling window, whose state is the result of all its records; "
            "expected an event source mapping without one"
        )
    if isinstance(event, Mapping) and event.get("Records") == []:
        return []
    source = batch_source(event)
    if source is None:
        raise _refusal(
            "the event is no batch of SQS, Kinesis or DynamoDB Streams records; use @idempotent "
            "for other events"
        )
    return [_record(source, number, delivered) for number, delivered in enumerate(event["Records"])]


def _record(source: str, number: int, delivered: Any) -> BatchRecord:
    def found(*path: str) -> str:
        value = delivered
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if not isinstance(value, str) or not value:
            raise _refusal(
                f"record {number} of the batch lacks {'.'.join(path)}, which {source} gives to "
                "each; expected the event as it was delivered"
            )
        return value

    if found("eventSource") != source:
        raise _refusal(f"record {number} of the batch is not of {source}, as the first")
    arn, item = found("eventSourceARN"), found(*_IDENTIFIERS[source])
    group: str | None = None
    if source != "aws:sqs":
        found("eventID")
        group = ""  # one shard's: all that follows waits
    elif arn.endswith(".fifo"):
        group = found("attributes", "MessageGroupId")
    return BatchRecord(delivered, source, arn, item, group)


def _refusal(why: str) -> ConfigurationError:
    return ConfigurationError(f"@idempotent_records: {why}")
