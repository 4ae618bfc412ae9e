"""Records as Redis hashes: DynamoDB's attributes, with bytes in `blob` instead of `data`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..protocol.record import (
    COMPLETED,
    FORMAT,
    INPROGRESS,
    PARKED,
    Claim,
    Completion,
    Record,
    Status,
)
from .base import newer_format
from .redis_errors import foreign


def to_fields(record: Record) -> list[Any]:
    """Return names and values of a record's hash, without its times and without absent values."""
    fields = [b"status", record.status, b"owner", record.owner, b"attempt", record.attempt]
    if record.status == INPROGRESS:
        fields += (b"revision", record.revision)
    return fields + more_fields(record)


def more_fields(record: Record | Claim | Completion) -> list[Any]:
    """Return names and values of what not every record has. The scripts write the rest.

    The names are bytes, as all clients send them.
    """
    fields: list[Any] = []
    if not isinstance(record, Completion):
        if isinstance(record.steps, str):
            fields += (b"steps", record.steps.encode())
        elif record.steps is not None:
            fields += (b"steps_blob", record.steps)
        if record.execution is not None:
            fields += (b"execution", record.execution)
    if not isinstance(record, Claim):
        if isinstance(record.data, str):
            fields += (b"data", record.data.encode())  # a client may have another encoding
        elif record.data is not None:
            fields += (b"blob", record.data)
        if record.encoding is not None:
            fields += (b"encoding", record.encoding)
    if record.fingerprint is not None:
        fields += (b"validation", record.fingerprint)
    if record.scope is not None:
        fields += (b"scope", record.scope)
    return fields


def from_fields(key: str, fields: Mapping[bytes, bytes]) -> Record:
    """Return the record in a hash. Raise `StoreError` if it is not this library's."""
    if (found := fields.get(b"format")) is not None and found != FORMAT.encode():
        raise newer_format(f"The hash {key} in Redis", found.decode(errors="replace"))
    try:
        return _record(key, fields)
    except (KeyError, ValueError):
        raise foreign(key) from None


def _record(key: str, fields: Mapping[bytes, bytes]) -> Record:
    status = _STATUSES[fields[b"status"]]
    is_running = status == INPROGRESS
    get = fields.get
    lease_end = int(fields[b"in_progress_expiration"]) if is_running else 0
    expires = _whole(get(b"expiration"))
    if expires is None and is_running:
        expires = -(-lease_end // 1000)  # as the scripts see it
    owner, blob, steps = get(b"owner"), get(b"blob"), get(b"steps_blob")
    if expires is None or owner is None:
        raise ValueError
    return Record(
        key,
        status,
        owner.decode(),
        _whole(get(b"attempt")) or 1,
        expires,
        lease_end,
        _text(get(b"validation")),
        _text(get(b"data")) if blob is None else blob,
        _text(get(b"encoding")),
        _text(get(b"scope")),
        (_whole(get(b"revision")) or 0) if is_running else 0,
        _text(get(b"steps")) if steps is None else steps,
        _text(get(b"execution")),
    )


_STATUSES: Final[dict[bytes, Status]] = {
    b"INPROGRESS": INPROGRESS,
    b"COMPLETED": COMPLETED,
    b"PARKED": PARKED,
}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _whole(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None
