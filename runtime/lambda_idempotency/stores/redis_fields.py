"""Records as Redis hashes: DynamoDB's attributes, with bytes in `blob` instead of `data`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..protocol.record import COMPLETED, INPROGRESS, PARKED, Record, Status
from .redis_errors import foreign


def to_fields(record: Record) -> list[Any]:
    """Return names and values of a record's hash, without its times and without absent values.

    The names are bytes, as all clients send them.
    """
    fields: list[Any] = [
        *(b"status", record.status),
        *(b"owner", record.owner),
        *(b"attempt", record.attempt),
    ]
    if record.status == INPROGRESS:
        fields += (b"revision", record.revision)
    if isinstance(record.steps, str):
        fields += (b"steps", record.steps.encode())
    elif record.steps is not None:
        fields += (b"steps_blob", record.steps)
    if record.fingerprint is not None:
        fields += (b"validation", record.fingerprint)
    if isinstance(record.data, str):
        fields += (b"data", record.data.encode())  # a client may have another encoding
    elif record.data is not None:
        fields += (b"blob", record.data)
    if record.encoding is not None:
        fields += (b"encoding", record.encoding)
    if record.scope is not None:
        fields += (b"scope", record.scope)
    if record.execution is not None:
        fields += (b"execution", record.execution)
    return fields


def from_fields(key: str, fields: Mapping[bytes, bytes]) -> Record:
    """Return the record in a hash. Raise `StoreError` if it is not this library's."""
    try:
        return _record(key, fields)
    except (KeyError, ValueError):
        raise foreign(key) from None


def _record(key: str, fields: Mapping[bytes, bytes]) -> Record:
    status = _STATUSES[fields[b"status"]]
    lease_end = int(fields[b"in_progress_expiration"]) if status == INPROGRESS else 0
    expires = _whole(fields, b"expiration")
    if expires is None and status == INPROGRESS:
        expires = -(-lease_end // 1000)  # as the scripts see it
    if expires is None or (owner := _text(fields, b"owner")) is None:
        raise ValueError
    blob, steps = fields.get(b"blob"), fields.get(b"steps_blob")
    return Record(
        key=key,
        status=status,
        owner=owner,
        attempt=_whole(fields, b"attempt") or 1,
        expiration=expires,
        lease_end=lease_end,
        fingerprint=_text(fields, b"validation"),
        data=_text(fields, b"data") if blob is None else blob,
        encoding=_text(fields, b"encoding"),
        scope=_text(fields, b"scope"),
        revision=(_whole(fields, b"revision") or 0) if status == INPROGRESS else 0,
        steps=_text(fields, b"steps") if steps is None else steps,
        execution=_text(fields, b"execution"),
    )


_STATUSES: Final[dict[bytes, Status]] = {
    b"INPROGRESS": INPROGRESS,
    b"COMPLETED": COMPLETED,
    b"PARKED": PARKED,
}


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = fields.get(name)
    return None if value is None else value.decode()


def _whole(fields: Mapping[bytes, bytes], name: bytes) -> int | None:
    value = fields.get(name, b"")
    return int(value) if value.isdigit() else None
