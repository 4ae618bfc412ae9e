"""Readers of bodies: compressed ones, forms, and multipart.

Bodies come from strangers. Each reader takes time and memory in proportion to the body, up to the
bounds below, and returns None for one past them, and for one that is not of its form.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final

from ..identity.inflate import DEFLATE, GZIP_OR_ZLIB, InflateError, pieces
from ..tuples import NamedTuple

MOST_PARTS: Final = 10_000
"""The most fields of a form, or parts of a multipart body."""

MOST_CONTENT: Final = 6 * 1024 * 1024
"""The most bytes of an inflated body that is then read as JSON or as a form: as many as Lambda
passes without compression."""

MOST_INFLATED: Final = 64 * 1024 * 1024
"""The most bytes that are inflated. They are hashed in pieces, and not held."""

MOST_HEADERS: Final = 16
"""The most headers of a part."""

_BOUNDARY: Final = re.compile(r';\s*boundary=\s*(?:"([^"]{1,70})"|([^\s";,]{1,70}))', re.IGNORECASE)
_CLOSED: Final = re.compile(rb"--[ \t]*(?:\r\n|\Z)")
_NAME: Final = re.compile(rb';\s*name="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_PADDING: Final = b" \t"


class Inflated(NamedTuple):
    """What is in a compressed body: its hash, and itself unless it is too large."""

    digest: bytes
    content: bytes | None


def inflated(body: bytes) -> Inflated | None:
    """Inflate gzip (RFC 1952) or deflate: in zlib's format or, as many clients send it, without one
    (RFC 9110, 8.4.1.2)."""
    for form in (GZIP_OR_ZLIB, DEFLATE):
        hashed, size, kept = sha256(), 0, bytearray()
        try:
            for piece in pieces(body, form):
                hashed.update(piece)
                size += len(piece)
                if size > MOST_INFLATED:
                    return None
                if size <= MOST_CONTENT:
                    kept += piece
        except InflateError:
            continue
        return Inflated(hashed.digest(), bytes(kept) if size <= MOST_CONTENT else None)
    return None


def fields(text: str) -> list[list[str]] | None:
    """Return the fields of a form: names in order, and the values of one name as they came.

    https://url.spec.whatwg.org/#urlencoded-parsing
    """
    from urllib.parse import unquote_to_bytes

    if text.count("&") >= MOST_PARTS:
        return None

    def decoded(part: str) -> str:
        # As bytes: the form's character set is not known.
        raw = part.replace("+", " ").encode("utf-8", "surrogatepass")
        return unquote_to_bytes(raw).decode("latin-1")

    pairs = (part.partition("=") for part in text.split("&") if part)
    found = [[decoded(name), decoded(value)] for name, _, value in pairs]
    return sorted(found, key=lambda field: field[0])


def parts(body: bytes, parameters: str, *, by_name: bool) -> list[Any] | None:
    """Return the headers of each part and the hash of its content: in order or, `by_name`, as
    `fields` are. `parameters` are those of the Content-Type, which have the boundary.

    What stands before the first part or after the last is none (RFC 2046, 5.1.1).
    """
    found = _BOUNDARY.search(f";{parameters}")
    if found is None:
        return None
    delimiter = b"\r\n--" + (found[1] or found[2]).encode("utf-8", "surrogatepass")
    _, *pieces = (b"\r\n" + body).split(delimiter, MOST_PARTS + 1)
    end = next((at for at, piece in enumerate(pieces) if _CLOSED.match(piece)), None)
    if end is None:
        return None
    read = [_part(piece) for piece in pieces[:end]]
    known = [part for part in read if part is not None]
    if len(known) < len(read):
        return None
    if by_name:
        known.sort(key=lambda part: part[0])
    return [[headers, content] for _, headers, content in known]


def _part(piece: bytes) -> tuple[bytes, list[list[str]], str] | None:
    """Return a part's name, its headers and the hash of its content."""
    head, separator, content = piece.lstrip(_PADDING).partition(b"\r\n\r\n")
    blank, *lines = head.split(b"\r\n", MOST_HEADERS + 1)
    if not separator or blank or len(lines) > MOST_HEADERS:
        return None
    headers = []
    name = b""
    for line in lines:
        field, colon, value = line.partition(b":")
        if not colon or field.strip() != field:  # a folded line, as nobody sends it
            return None
        headers.append([field.lower().decode("latin-1"), value.strip().decode("latin-1")])
        if field.lower() == b"content-disposition" and (named := _NAME.search(value)):
            name = named[1]
    return name, sorted(headers), sha256(content).hexdigest()
