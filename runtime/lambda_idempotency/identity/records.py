"""The records of a batch, and their keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ConfigurationError, MissingKeyError
from ..tuples import NamedTuple
from .batch_fields import Delivered, Fields
from .batch_sources import MAPPINGS, BatchSource, DeliveredBatch, batch_of
from .keys import Identity, Selector, canonical_bytes, digest, record_id
from .scope import ANYWHERE, Scope
from .values import members_of


class BatchRecord(NamedTuple):
    """One record.

    `origin` is its queue, stream, table or topic. `identity` is what its source tells it from
    others by; None: nothing does. `identifier` is its name in the batch's response, `item` that as
    a text. `group` must stop when the record fails, to keep its order; None: nothing stops.
    """

    delivered: Delivered
    source_name: str
    source: BatchSource
    origin: str
    identity: Any
    item: str
    identifier: Any
    group: str | None


class RecordRule(NamedTuple):
    """The rule that gives records their keys. `key` None: the source's identifier is the key."""

    namespace: str
    operation: str
    key: Selector | None = None
    fingerprint: Selector | None = None

    def check(self, records: Iterable[BatchRecord]) -> None:
        """Raise `ConfigurationError` if the source gives no identifier that could be the key."""
        if self.key is None and (record := next(iter(records), None)) and record.identity is None:
            raise _refusal(
                f"{record.source.title} gives its messages no id of their own, so there is no "
                "default; pass key= with what identifies one, such as 'data.order_id', or "
                "'basicProperties.messageId' if every publisher sets it"
            )

    def identify(self, record: BatchRecord, *, scope: Scope = ANYWHERE) -> Identity:
        """Return the identity of a record. Raises `MissingKeyError`, saying why."""
        seen: Any = None
        if self.key is not None or self.fingerprint is not None:
            try:
                seen = record.source.view(record.delivered)
            except ValueError as error:
                raise MissingKeyError(f"The data of the record are unusable: {error}.") from None
        if self.key is None:
            value, parsed = record.identity, True
        else:
            value, parsed = self.key.select(seen), self.key.by_path
        key = record_id(
            self.namespace,
            operation=self.operation,
            scope=Scope(scope.tenant, scope.api, scope.caller, scope.route, record.origin),
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
        raise _refusal(
            f"the event is a {type(event).__name__}, which a decorator has made of the batch that "
            "was delivered; put ours above that decorator"
        )
    if isinstance(event, Mapping) and "window" in event:
        raise _refusal(
            "the batch is of a tumbling window, whose state is the result of all its records; "
            "expected an event source mapping without one"
        )
    if isinstance(event, Mapping) and event.get("Records") == []:
        return []
    batch = batch_of(event)
    if batch is None:
        *titles, last = dict.fromkeys(source.title for source in MAPPINGS.values())
        raise _refusal(
            f"the event is no batch of {', '.join(titles)} or {last} records, from an event source "
            "mapping or a pipe; use @idempotent for other events"
        )
    return [_record(batch, number) for number in range(len(batch.records))]


def _record(batch: DeliveredBatch, number: int) -> BatchRecord:
    name, source = batch.source_name, batch.source
    fields = Fields(*batch.records[number], number, name)
    if fields.need("eventSource") != name:
        raise _refusal(f"record {number} of the batch is not of {name}, as the first")
    identifier = source.identifier(fields)
    return BatchRecord(
        delivered=fields.delivered,
        source_name=name,
        source=source,
        origin=source.origin(fields),
        identity=None if source.identity is None else source.identity(fields),
        item=identifier if isinstance(identifier, str) else "-".join(map(str, identifier.values())),
        identifier=identifier,
        group=source.group(fields),
    )


def _refusal(why: str) -> ConfigurationError:
    return ConfigurationError(f"@idempotent_records: {why}")
