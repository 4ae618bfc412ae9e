"""Decoding of the texts in events."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from typing import Any, Final

from .canonical import NotJSONError, parse

_JSON: Final = re.compile(r"(?:application|text)/json|[^/]+/[^/]+\+json")  # RFC 6839, 3.1


def media_type(content_types: Iterable[str]) -> tuple[str, str]:
    """Return the media type in the values of a Content-Type header, in lower case, and its
    parameters. Without the header, both are empty."""
    kind, _, parameters = ",".join(dict.fromkeys(content_types)).partition(";")
    return kind.strip().lower(), parameters


def may_be_json(kind: str) -> bool:
    """Tell whether a body of this media type is JSON if it can be read as such."""
    return kind == "" or _JSON.fullmatch(kind) is not None


def decoded(body: str, *, base64_encoded: bool, kind: str = "") -> Any:
    """Decode a body from base64, then parse it as JSON; a step that does not apply is left out.
    `kind` is its media type.

    Raises ValueError if the text is ambiguous JSON: a name twice in an object, or NaN. If its media
    type is another one, such a text is a text, and so are numbers and words: 1.0 is not 1.
    """
    text: str | bytes = body
    if base64_encoded:
        try:
            text = binascii.a2b_base64(body, strict_mode=True)
        except (binascii.Error, ValueError):
            return body
    try:
        value = parse(text)
        if may_be_json(kind) or isinstance(value, dict | list):
            return value
    except ValueError as error:
        if may_be_json(kind) and not isinstance(error, NotJSONError):
            raise
    # Not JSON: expressions see the text, or the original body if the bytes are not text.
    try:
        return text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError:
        return body
