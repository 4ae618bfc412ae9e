"""The fields of records in batches: where they are, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from ..errors import ConfigurationError
from ..tuples import NamedTuple
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
                is_mapping = type(value) is dict or isinstance(value, Mapping)  # that takes long
                value = value.get(name) if is_mapping else None
            if isinstance(value, (str, int)) and value != "":
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


# The records of a batch ---------------------------------------------------------------------------


def in_list(event: Any) -> Iterable[Unpacked]:
    """Return the records of a pipe, which have all fields themselves."""
    return ((record, {}) for record in event)


def in_records(event: Any) -> Iterable[Unpacked] | None:
    """Return the records of a queue or a stream."""
    records = event.get("Records")
    return in_list(records) if isinstance(records, list) else None


def below(name: str) -> Callable[[Any], Iterable[Unpacked] | None]:
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


def arn(fields: Fields) -> str:
    """Return the ARN of a queue or a stream."""
    return str(fields.need("eventSourceARN"))


def topic(fields: Fields) -> str:
    """Return the topic of an MSK cluster."""
    return f"{fields.need('eventSourceArn')} {fields.need('topic')}"


def topic_of_brokers(fields: Fields) -> str:
    """Return the topic of a cluster that only its brokers name, in any order."""
    brokers = str(fields.need("bootstrapServers")).split(",")
    return f"{','.join(sorted(broker.strip() for broker in brokers))} {fields.need('topic')}"


def queue_of_activemq(fields: Fields) -> str:
    """Return the queue of an ActiveMQ broker."""
    # AWS spells it in two ways: the Lambda guide in small letters, its Go events in camel case.
    queue = fields.get("destination", "physicalname") or fields.need("destination", "physicalName")
    return f"{fields.need('eventSourceArn')} {queue}"


def queue_of_rabbitmq(fields: Fields) -> str:
    """Return the queue and virtual host of a RabbitMQ broker."""
    return f"{fields.need('eventSourceArn')} {fields.need('eventSourceKey')}"


def collection(fields: Fields) -> str:
    """Return the collection of a DocumentDB cluster. A change of a whole database has none."""
    names = (fields.get("event", "ns", part) for part in ("db", "coll"))
    return " ".join(map(str, (fields.need("eventSourceArn"), *names)))


def message_group(fields: Fields) -> str | None:
    """Return the message group of a FIFO queue. Those of a fair queue are for fairness alone."""
    in_order = arn(fields).endswith(".fifo")
    return str(fields.need("attributes", "MessageGroupId")) if in_order else None


def whole_batch(_: Fields) -> str:
    """Return one group for a batch that is of one shard: after a failure, the rest must wait."""
    return ""


def partition(fields: Fields) -> str:
    """Return the partition, as Kafka's response names it."""
    return f"{fields.need('topic')}-{fields.need('partition')}"


def no_group(_: Fields) -> None:
    """Return None: the records keep no order."""
    return


# What identifies a record -------------------------------------------------------------------------


def field(*path: str) -> Callable[[Fields], str | int]:
    """Return the function that reads a field which each record has."""
    return lambda fields: fields.need(*path)


def kafka_identity(fields: Fields) -> list[Any]:
    """Return what is unique in a topic. The partition is a text in a pipe, a number in an event
    source mapping. The timestamp tells an offset from that of a topic that was made anew."""
    offset = str(fields.need("offset"))
    return [str(fields.need("partition")), offset, fields.get("timestamp")]


def kafka_identifier(fields: Fields) -> dict[str, Any]:
    """Return the name of a record in the response: an object, which no other source has."""
    return {"partition": partition(fields), "offset": fields.need("offset")}


# What a record holds ------------------------------------------------------------------------------


def read(record: Delivered, name: str, *, base64_encoded: bool = True) -> Delivered:
    """Return the record with the text of a field decoded."""
    if not isinstance(text := record.get(name), str):
        return record
    # A schema registry turns a value into JSON, which is not in base64 then; no base64 starts so.
    is_json = base64_encoded and text[:1] in ("{", "[", '"')
    kind = "application/json" if is_json else ""
    return {**record, name: decoded(text, base64_encoded=base64_encoded and not is_json, kind=kind)}


def image(record: Delivered) -> list[Any]:
    """Return the change of an item."""
    change = record["dynamodb"]
    images = (change.get(name) for name in ("Keys", "NewImage", "OldImage"))
    return [record.get("eventName"), *images]


def changed_document(record: Delivered) -> list[Any]:
    """Return the change of a document, without the document: one that is looked up for an update
    may be newer when the change comes again."""
    return [record["event"].get(name) for name in ("operationType", "ns", "documentKey")]
