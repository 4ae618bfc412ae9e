"""Decoding of the texts in events."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from typing import Any, Final

from .canonical import NotJSONError, parse
from .inflate import GZIP, InflateError, inflate
from .refusals import UndecodableError, UnusableError

MAX_DECODED_MIB: Final = 16
"""The most that `base64_gzip()` decompresses. Events have 6 MB at most, and logs that CloudWatch
sends in them less than that; a few KB of zeros can claim gigabytes."""

_JSON: Final = re.compile(r"(?:application|text)/json|[^/]+/[^/]+\+json")  # RFC 6839, 3.1
_SPACES: Final = " \t\r\n"  # RFC 8259, 2


def media_type(content_types: Iterable[str]) -> tuple[str, str]:
    """Return the media type in the values of a Content-Type header, in lower case, and its
    parameters. Without the header, both are empty."""
    kind, _, parameters = ",".join(dict.fromkeys(content_types)).partition(";")
    return kind.strip().lower(), parameters


def may_be_json(kind: str, data: str | bytes) -> bool:
    """Tell whether a body of this media type is JSON if it can be read as such. Without a type only
    an object or an array is: a number or a word may be a text, and 1.10 is not 1.1."""
    if kind != "":
        return _JSON.fullmatch(kind) is not None
    if isinstance(data, bytes):
        return data.lstrip(_SPACES.encode()).startswith((b"{", b"["))
    return data.lstrip(_SPACES).startswith(("{", "["))


def decoded(body: str, *, base64_encoded: bool, kind: str = "") -> Any:
    """Decode a body from base64, then parse it as JSON; a step that does not apply is left out.
    `kind` is its media type.

    Of another type than JSON's, only an object or an array counts as JSON. Bytes that are no text
    are `bytes`.

    Raises ValueError if the text is ambiguous JSON: a name twice in an object, or NaN. If its media
    type is another one, such a text is a text.
    """
    data: str | bytes = body
    if base64_encoded:
        try:
            data = binascii.a2b_base64(body, strict_mode=True)
        except ValueError:
            return body
    try:
        value = parse(data)
        if may_be_json(kind, data) or isinstance(value, dict | list):
            return value
    except ValueError as error:
        if may_be_json(kind, data) and not isinstance(error, NotJSONError):
            raise
    try:
        return data if isinstance(data, str) else data.decode()
    except UnicodeDecodeError:
        return data


def from_json(text: str) -> Any:
    """Return what a JSON text says. Raises `UndecodableError`, and `UnusableError` where it says
    two things, or is nested too deeply."""
    try:
        return parse(text)
    except NotJSONError:
        raise UndecodableError("json() was given a text that is not JSON") from None
    except ValueError as error:
        raise UnusableError(f"{error}, in a text that json() was given") from None


def from_base64(text: str) -> str:
    """Return the text that another one encodes. Raises `UndecodableError`."""
    return _text("base64", _bytes("base64", text))


def from_base64_gzip(text: str) -> str:
    """Return the text that another one encodes and compresses.

    Raises `UndecodableError`, and `UnusableError` if it is larger than `MAX_DECODED_MIB`.
    """
    try:
        content = inflate(_bytes("base64_gzip", text), GZIP, MAX_DECODED_MIB * 1024 * 1024)
    except InflateError:
        raise UndecodableError(
            "base64_gzip() was given data that are not gzip, or end too early"
        ) from None
    if content is None:
        raise UnusableError(f"it decompresses to more than {MAX_DECODED_MIB} MiB")
    return _text("base64_gzip", content)


def _bytes(function: str, text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        raise UndecodableError(f"{function}() was given a text that is not base64") from None


def _text(function: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UndecodableError(f"{function}() was given data that are not UTF-8") from None
