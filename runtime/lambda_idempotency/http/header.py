"""The key in the request header: an RFC 8941 String (3.3.3), with or without its quotes.

In events of every shape a comma separates values: payload format 2.0 and proxies join repeated
headers with it (RFC 9110, 5.3). So a key with a comma must be sent in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MOST: Final = 255
"""The most characters of a key."""

_PRINTABLE: Final = re.compile(r"[\x20-\x7e]*")
_QUOTED: Final = re.compile(
    r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"'  # a String
    r'(?: *; *[a-z*][a-z0-9_.*-]*(?:=(?:"(?:[^"\\]|\\.)*"|[^",; ]*))?)*'  # parameters: ignored
    r"[ \t]*(?=,|\Z)"
)
_BARE: Final = re.compile(r"[^,]*")
_ESCAPED: Final = re.compile(r"\\(.)")


class MalformedKeyError(ValueError):
    """The header holds no usable key. The text says why and quotes nothing."""


def key_in(values: Iterable[str], pattern: re.Pattern[str] | None = None) -> str | None:
    """Return the one key in a header's values, or None if there is no such header.

    Raises `MalformedKeyError` for several keys, and for a key that does not match the `pattern` or,
    without one, is empty, too long or not printable ASCII.
    """
    keys = {key for value in values for key in _members(value)}
    if not keys:
        return None
    if len(keys) > 1:
        raise MalformedKeyError(
            f"it holds {len(keys)} different values; send one, in quotes if it has a comma"
        )
    [key] = keys
    if pattern is not None:
        if pattern.fullmatch(key) is None:
            raise MalformedKeyError("its value does not have the form that this API asks for")
        return key
    if not 1 <= len(key) <= MOST:
        raise MalformedKeyError(f"its value has {len(key)} characters; expected 1 to {MOST}")
    if _PRINTABLE.fullmatch(key) is None:
        raise MalformedKeyError("its value has characters other than printable ASCII")
    return key


def quoted(key: str) -> str:
    """Return the header value for a key, as RFC 8941 (4.1.6) serializes a String."""
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _members(value: str) -> Iterable[str]:
    position = 0
    while True:
        while position < len(value) and value[position] in " \t":
            position += 1
        if value.startswith('"', position):
            found = _QUOTED.match(value, position)
            if found is None:
                raise MalformedKeyError("its value begins with a quote and is no RFC 8941 String")
            yield _ESCAPED.sub(r"\1", found[1])
        else:
            found = _BARE.match(value, position)
            assert found is not None
            yield found[0].rstrip(" \t")
        position = found.end()
        if position >= len(value):
            return
        position += 1  # the comma
