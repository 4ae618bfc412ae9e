"""Serialization: from a handler's result to its recorded form, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..protocol.record import NOT_KEPT, Record
from ..protocol.steps import Returned
from . import lambda_json
from .compression import unpack, unreadable


def to_stored(result: Any) -> Returned:
    """Return the result with its recorded form, from which a duplicate gets the same bytes.

    Raises any error if Lambda's own client could not send it.
    """
    return Returned(result, lambda_json.written(result))


def not_kept(result: Any) -> Returned:
    """Return the result for a record that keeps nothing of it."""
    return Returned(result, encoding=NOT_KEPT)


def from_stored(record: Record, read: Callable[[str | bytes], Any] = lambda_json.read) -> Any:
    """Return the recorded result, as a new object. Raises `ResponseUnavailableError`."""
    text = unpack(record)
    try:
        return read(text)
    except (ValueError, RecursionError):
        raise unreadable(record) from None
