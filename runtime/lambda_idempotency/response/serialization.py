"""Serialization: from a handler's result to its recorded form, and back."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from ..protocol.record import NO_BODY, Record
from ..protocol.steps import Returned
from .compression import unpack, unreadable


def to_stored(result: Any) -> Returned:
    """Return the result with its recorded form: the JSON that Lambda itself would send.

    Never raises: a result that is not JSON is recorded without a body.
    """
    try:
        text = _ENCODE(result)
        if not text.isascii() and not _encodable(text):
            text = json.dumps(result, separators=(",", ":"), default=_lambda_form)
    except Exception:  # noqa: BLE001 - the effect has happened
        return Returned(result, encoding=NO_BODY)
    return Returned(result, text)


def from_stored(record: Record) -> Any:
    """Return the recorded result, as a new object. Raises `ResponseUnavailableError`."""
    text = unpack(record)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise unreadable(record) from None


def _lambda_form(value: Any) -> Any:
    # Of the types that JSON lacks, Lambda's own serializer sends only Decimal: as a number.
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError


_ENCODE: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=_lambda_form
).encode


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True
