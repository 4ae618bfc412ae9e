"""The JSON of DynamoDB's requests and responses, in which values have their types.

boto3 has bytes where JSON has base64:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from json.encoder import encode_basestring_ascii
from typing import Any, Final

from ...encoder import decoder, encoder

quoted: Final[Callable[[str], str]] = encode_basestring_ascii
"""Returns a text as JSON."""


def text(name: str, value: str) -> str:
    """Return a text and its name, as a member of a JSON object. The names are ours."""
    return f'"{name}":{{"S":{quoted(value)}}}'


def number(name: str, value: int) -> str:
    """Return an integer and its name."""
    return f'"{name}":{{"N":"{value}"}}'


def text_or_bytes(name: str, value: str | bytes) -> str:
    """Return a text, or bytes, and its name."""
    if isinstance(value, str):
        return text(name, value)
    return f'"{name}":{{"B":"{_base64(value)}"}}'


def encoded(value: Any) -> str:
    """Return a value as JSON. Raises TypeError for one that cannot be sent."""
    return _ENCODE(value)


def decoded(json_text: str) -> Any:
    """Parse JSON, with bytes for what is binary, at any depth. Raises ValueError."""
    has_binary = '"B"' in json_text or '"BS"' in json_text  # a false alarm only costs time
    return (_DECODE_BINARY if has_binary else _DECODE)(json_text)


def _base64(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return b2a_base64(value, newline=False).decode()
    raise TypeError(f"a {type(value).__name__} cannot be sent")


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    """Decode a binary value; an attribute of the name B has an object."""
    if len(value) == 1:
        if isinstance(one := value.get("B"), str):
            return {"B": a2b_base64(one)}
        if isinstance(many := value.get("BS"), list):
            return {"BS": [a2b_base64(str(each)) for each in many]}
    return value


_ENCODE: Final = encoder(default=_base64)
_DECODE: Final = decoder()
_DECODE_BINARY: Final = decoder(object_hook=_with_bytes)
