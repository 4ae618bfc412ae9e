"""The encrypted form of an answer: AES-GCM under a data key, bound to one slot of one record.

    1 | length of the encrypted data key, 2 bytes | that key | nonce, 12 bytes | ciphertext and tag

A slot is the response, or a step's result by the step's name. What is copied to another slot, or to
another record, does not open.
"""

from __future__ import annotations

import os
from binascii import a2b_base64
from typing import Final

from ..clients.net.waiting import BLOCKING, run
from ..errors import StoreError
from ..protocol.record import NO_BODY, Record
from ..protocol.steps import Returned
from .compression import AES, inner, is_encrypted, wrapped
from .data_keys import DataKey, DataKeys

RESPONSE: Final = ("response",)
"""The slot of the response."""

_FORMAT: Final = b"\x01"
_NONCE: Final = 12


def of_step(name: str) -> tuple[str, ...]:
    """Return the slot of a step's result."""
    return ("step", name)


def sealed(ran: Returned, key: DataKey | None, *, record: str, slot: tuple[str, ...]) -> Returned:
    """Return a result with its data encrypted; without any if there is no key for them. Never
    raises: the effect has happened."""
    if ran.data is None:
        return ran
    data = ran.data.encode() if isinstance(ran.data, str) else ran.data
    try:
        if key is None:
            raise ValueError("no key")
        nonce = os.urandom(_NONCE)
        body = key.seal(nonce, data, _associated(record, slot, ran.encoding))
        length = len(key.encrypted).to_bytes(2, "big")
    except Exception:  # noqa: BLE001 - no memory, perhaps
        return ran._replace(data=None, encoding=NO_BODY)
    whole = b"".join((_FORMAT, length, key.encrypted, nonce, body))
    return ran._replace(data=whole, encoding=wrapped(AES, ran.encoding))


def opened(record: Record, keys: DataKeys, *, slot: tuple[str, ...], what: str) -> Record:
    """Return a record with its data decrypted; unchanged if they are not encrypted, or do not open.
    Raises `StoreError` if KMS cannot tell: `what` is done, and a retry will be answered."""
    if not is_encrypted(record):
        return record
    parts = _parts(record.data)
    if parts is None:
        return record
    encrypted, nonce, body = parts
    try:
        key = run(keys.known(encrypted, BLOCKING))
    except StoreError as error:
        raise StoreError(
            f"{what} is done, but KMS did not decrypt its answer: {error}. The record stays, and a "
            "retry is answered when KMS does.",
            code=error.code,
        ) from error
    encoding = inner(record.encoding)
    data = None if key is None else key.open(nonce, body, _associated(record.key, slot, encoding))
    return record if data is None else record._replace(data=data, encoding=encoding)


def _parts(data: str | bytes | None) -> tuple[bytes, bytes, bytes] | None:
    """Return the encrypted data key, the nonce, and the rest; None if there is no such form."""
    if isinstance(data, str):
        try:
            data = a2b_base64(data, strict_mode=True)
        except ValueError:
            return None
    if data is None or data[:1] != _FORMAT:
        return None
    begin = 3 + int.from_bytes(data[1:3], "big")
    end = begin + _NONCE
    return (data[3:begin], data[begin:end], data[end:]) if len(data) > end else None


def _associated(record: str, slot: tuple[str, ...], encoding: str | None) -> bytes:
    """Return what the data are bound to: each part after its length, so that no two are alike."""
    parts = [
        text.encode("utf-8", "surrogatepass")
        for text in ("cdk-idempotency 1", record, encoding or "", *slot)
    ]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
