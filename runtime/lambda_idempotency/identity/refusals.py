"""The errors of values and texts that cannot be read. No message quotes a value."""

from __future__ import annotations


class UnusableError(ValueError):
    """The value cannot be a key or a part of one, whatever selects it; the message says why."""


class UndecodableError(ValueError):
    """The text is not in the encoding that an expression reads it in."""


class LostPartError(LookupError):
    """A projection would drop an item, because it lacks what the projection selects."""
