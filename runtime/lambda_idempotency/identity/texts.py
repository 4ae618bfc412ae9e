"""Decoding of the texts in events."""

from __future__ import annotations

import binascii
from typing import Any

from .canonical import NotJSONError, parse


def decoded(body: str, *, base64_encoded: bool) -> Any:
    """Decode a body from base64, then parse it as JSON; a step that does not apply is left out.

    Raises ValueError if the text is ambiguous JSON: a name twice in an object, or NaN.
    """
    text: str | bytes = body
    if base64_encoded:
        try:
            text = binascii.a2b_base64(body, strict_mode=True)
        except (binascii.Error, ValueError):
            return body
    try:
        return parse(text)
    except NotJSONError:
        # Not JSON: expressions see the text, or the original body if the bytes are not text.
        try:
            return text if isinstance(text, str) else text.decode()
        except UnicodeDecodeError:
            return body
