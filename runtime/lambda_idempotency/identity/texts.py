"""Texts in events, decoded."""

from __future__ import annotations

import binascii
from typing import Any

from .canonical import NotJSONError, parse


def decoded(body: str, *, base64_encoded: bool) -> Any:
    """Return what a text says: base64 decoded, then JSON parsed; the text where it is neither.

    Raises ValueError where it is JSON that does not say one thing.
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
        # Not JSON: expressions see the text, or the body as it came where it is not text either.
        try:
            return text if isinstance(text, str) else text.decode()
        except UnicodeDecodeError:
            return body
