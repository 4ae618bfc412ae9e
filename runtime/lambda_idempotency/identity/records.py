"""The records of a batch, and their keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ConfigurationError, MissingKeyError
from .batch_sources import SOURCES, BatchSource, Delivered, source_of
from .keys import Identity, Selector, canonical_bytes, digest, record_id
from .scope import ANYWHERE, Scope
from .values import members_of


class BatchRecord(NamedTuple):
    """One record.

    `arn` is that of its source. `item` is its name in the batch's response. `group` must stop when
    the record fails, to keep its order; None: nothing stops.
    """

    delivered: Delivered
    source_name: str
    arn: str
    item: str
    group: str | None

    @property
    def source(self) -> BatchSource:
        """The facts about its source."""
        return SOURCES[self.source_name]


class RecordRule(NamedTuple):
    """The rule that gives records their keys. `key` None: the source's identifier is the key."""

    namespace: str
    operation: str
    key: Selector | None = None
    fingerprint: Selector | None = None

    def identify(self, record: BatchRecord, *, scope: Scope = ANYWHERE) -> Identity:
        """Return the identity of a record. Raises `MissingKeyError`, saying why."""
        seen: Any = None
        if self.key is not None or self.fingerprint is not None:
            try:
                seen = record.source.view(record.delivered)
            except ValueError as error:
                raise MissingKeyError(f"The data of the record are unusable: {error}.") from None
        if self.key is None:
            value, parsed = str(record.delivered[record.source.identity]), True
        else:
            value, parsed = self.key.select(seen), self.key.by_path
        key = record_id(
            self.namespace,
            operation=self.operation,
            scope=scope._replace(source=record.arn),
            key=canonical_bytes("key", value, parsed=parsed),
        )
        return Identity(key, self._fingerprint(record, seen))

    def _fingerprint(self, record: BatchRecord, seen: Any) -> str | None:
        if self.fingerprint is not None:
            chosen, parsed = self.fingerprint.select(seen), self.fingerprint.by_path
        elif self.key is None:
            chosen, parsed = record.source.data(record.delivered), True
        else:
            return None
        return digest((canonical_bytes("fingerprint", chosen, parsed=parsed),))


def records_of(event: Any) -> list[BatchRecord]:
    """Return the records of a batch, in order. Raises `ConfigurationError` if it is not a batch."""
    if isinstance(raw := getattr(event, "raw_event", None), Mapping):
        event = raw  # a data class of Powertools for AWS Lambda, made by a decorator above ours
    elif not isinstance(event, Mapping) and members_of(event) is not None:
        raise _not_a_batch(
            f"the event is a {type(event).__name__}, which a decorator has made of the batch that "
            "was delivered; put ours above that decorator"
        )
    if isinstance(event, Mapping) and "window" in event:
        raise _not_a_batch(
            "the batch is of a tumbling window, whose state is the result of all its records; "
            "expected an event source mapping without one"
        )
    if isinstance(event, Mapping) and event.get("Records") == []:
        return []
    source = source_of(event)
    if source is None:
        raise _not_a_batch(
            "the event is no batch of SQS, Kinesis or DynamoDB Streams records; use @idempotent "
            "for other events"
        )
    return [_record(source, number, delivered) for number, delivered in enumerate(event["Records"])]


def _record(source: str, number: int, delivered: Any) -> BatchRecord:
    def field(*path: str) -> str:
        value = delivered
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if not isinstance(value, str) or not value:
            raise _not_a_batch(
                f"record {number} of the batch lacks {'.'.join(path)}, which {source} gives to "
                "each; expected the event as it was delivered"
            )
        return value

    if field("eventSource") != source:
        raise _not_a_batch(f"record {number} of the batch is not of {source}, as the first")
    kind = SOURCES[source]
    arn, item = field("eventSourceARN"), field(*kind.item)
    field(kind.identity)
    return BatchRecord(delivered, source, arn, item, kind.group(arn, field))


def _not_a_batch(why: str) -> ConfigurationError:
    return ConfigurationError(f"@idempotent_records: {why}")
