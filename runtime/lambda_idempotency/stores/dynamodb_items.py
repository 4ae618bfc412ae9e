"""Records as DynamoDB items. Attribute names follow Powertools for AWS Lambda, so that one table
design serves both; bytes stay bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..clients.aws.typed import number, text, text_or_bytes
from ..contract.names import PARTITION_KEY, TTL_ATTRIBUTE
from ..errors import StoreError
from ..protocol.record import COMPLETED, FORMAT, INPROGRESS, PARKED, Record
from .base import another_record, newer_format

MAX_DATA: Final = 400 * 1024 - 1024
"""The most bytes of an answer: an item has 400 KB, names included, and the other attributes take
less than 1 KiB (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
"""


def to_item(record: Record) -> str:
    """Return the record as a DynamoDB item, in JSON; absent values are left out."""
    item = [
        text(PARTITION_KEY, record.key),
        text("status", record.status),
        text("owner", record.owner),
        number("attempt", record.attempt),
        number(TTL_ATTRIBUTE, record.expiration),
    ]
    if record.status == INPROGRESS:
        item.append(number("in_progress_expiration", record.lease_end))
        item.append(number("revision", record.revision))
    if record.steps is not None:
        item.append(text_or_bytes("steps", record.steps))
    if record.fingerprint is not None:
        item.append(text("validation", record.fingerprint))
    if record.data is not None:
        item.append(text_or_bytes("data", record.data))
    if record.encoding is not None:
        item.append(text("encoding", record.encoding))
    if record.scope is not None:
        item.append(text("scope", record.scope))
    if record.execution is not None:
        item.append(text("execution", record.execution))
    return f"{{{','.join(item)}}}"


def from_item(item: Mapping[str, Any], key: str, table: str) -> Record:
    """Return the record of this key in a DynamoDB item. Raise `StoreError` if the item is not this
    library's, or another one than was asked for."""
    if item.get(PARTITION_KEY) != {"S": key}:
        raise another_record(f"DynamoDB, table {table},")
    if "format" in item and (found := str(item["format"].get("S"))) != FORMAT:
        raise newer_format(f"Item {key} of table {table}", found)
    try:
        status = item["status"]["S"]
        if status not in (INPROGRESS, COMPLETED, PARKED):
            raise ValueError
        data, steps = item.get("data", {}), item.get("steps", {})
        return Record(
            key=key,
            status=status,
            owner=item["owner"]["S"],
            attempt=int(item["attempt"]["N"]),
            expiration=int(item[TTL_ATTRIBUTE]["N"]),
            lease_end=int(item["in_progress_expiration"]["N"]) if status == INPROGRESS else 0,
            fingerprint=_text(item, "validation"),
            data=data["B"] if "B" in data else data.get("S"),
            encoding=_text(item, "encoding"),
            scope=_text(item, "scope"),
            revision=int(item["revision"]["N"]) if status == INPROGRESS else 0,
            steps=steps["B"] if "B" in steps else steps.get("S"),
            execution=_text(item, "execution"),
        )
    except (KeyError, ValueError):
        raise StoreError(
            f"Item {key} of table {table} is not an idempotency record of this library; "
            "delete it, or give this function a table or namespace of its own."
        ) from None


def _text(item: Mapping[str, Any], name: str) -> str | None:
    return item[name]["S"] if name in item else None
