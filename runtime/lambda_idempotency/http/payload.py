"""The payload of a request by its meaning, of which the fingerprint is made.

A client that sends a request again may write it anew: JSON with other spaces, a form in another
order, a multipart body with another boundary, gzip with another time. That is one payload.

| body                                                | meaning                                  |
|-----------------------------------------------------|------------------------------------------|
| none, or empty                                      | `none`                                   |
| JSON by its type; objects and arrays without one    | `json`: the value                        |
| application/x-www-form-urlencoded                   | `form`: the fields, by name              |
| multipart/form-data                                 | `form-data`: the parts, by name          |
| multipart/*                                         | `multipart`: the parts                   |
| any of these in Content-Encoding gzip or deflate    | as the body that is in it                |
| a gzip file                                         | `gzip`: the bytes that are in it         |
| any other text, and what is not what it claims      | `text`: the text                         |
| any other bytes                                     | `bytes`                                  |

What would take too much time or memory is a text, or bytes.
"""

from __future__ import annotations

import binascii
from hashlib import sha256
from typing import Final, TypeAlias

from ..identity.canonical import NotJSONError, canonical, canonical_json
from ..identity.fingerprints import Parts, Payload
from ..identity.texts import may_be_json, media_type
from . import bodies
from .shapes import Request

_FORM: Final = "application/x-www-form-urlencoded"
_CODINGS: Final = frozenset({"gzip", "x-gzip", "deflate"})  # RFC 9110, 8.4.1
_GZIP: Final = b"\x1f\x8b\x08"  # RFC 1952, 2.3.1

Meaning: TypeAlias = tuple[bytes, bytes]
"""The kind of a body, and what it says."""


def payload_of(request: Request) -> Payload:
    """Return the payload: the body's meaning, and the query."""
    query = canonical(request.query, parsed=True)
    return Payload(_raw(request, query), lambda: (*_meaning(request), query))


def _raw(request: Request, query: bytes) -> Parts | None:
    """Return all that the meaning depends on; None of a body that a decorator has parsed."""
    body = request.event.get("body")
    if not isinstance(body, str):
        return None
    encoded = request.event.get("isBase64Encoded") is True
    codings = request.header("content-encoding") if encoded else []  # a text has none
    form = encoded, request.header("content-type"), codings
    return body.encode("utf-8", "surrogatepass"), repr(form).encode(), query


def _meaning(request: Request) -> Meaning:
    body = request.event.get("body")
    if body is None or body == "":
        return b"none", b""
    if not isinstance(body, str):  # a decorator above ours has parsed it
        return b"json", canonical(body)
    kind, parameters = media_type(request.header("content-type"))
    if request.event.get("isBase64Encoded") is not True:
        return _text(body, kind, parameters)
    try:
        content = binascii.a2b_base64(body, strict_mode=True)
    except ValueError:
        return _plain(body)
    coding = ",".join(dict.fromkeys(request.header("content-encoding"))).strip().lower()
    if coding in _CODINGS or content.startswith(_GZIP):
        inflated = bodies.inflated(content)
        if inflated is None:
            return _bytes(content)
        if inflated.content is None or coding not in _CODINGS:
            return b"gzip", inflated.digest
        content = inflated.content
    return _decoded(content, kind, parameters)


def _decoded(content: bytes, kind: str, parameters: str) -> Meaning:
    if kind.startswith("multipart/"):
        return _multipart(content, kind, parameters) or _bytes(content)
    try:
        return _text(content.decode(), kind, parameters)
    except UnicodeDecodeError:
        return _bytes(content)


def _text(text: str, kind: str, parameters: str) -> Meaning:
    if may_be_json(kind, text):
        try:
            return b"json", canonical_json(text)
        except NotJSONError:
            return _plain(text)
    if kind.startswith("multipart/"):
        content = text.encode("utf-8", "surrogatepass")
        return _multipart(content, kind, parameters) or _plain(text)
    return (_form(text) if kind == _FORM else None) or _plain(text)


def _form(text: str) -> Meaning | None:
    if text.startswith(("{", "[")):  # JSON of a client that names no type, such as curl
        try:
            return b"json", canonical_json(text)
        except NotJSONError:
            pass
        except ValueError:  # ambiguous, so that it counts as it was written
            return None
    fields = bodies.fields(text)
    return None if fields is None else (b"form", canonical(fields, parsed=True))


def _multipart(content: bytes, kind: str, parameters: str) -> Meaning | None:
    by_name = kind == "multipart/form-data"
    parts = bodies.parts(content, parameters, by_name=by_name)
    if parts is None:
        return None
    return b"form-data" if by_name else b"multipart", canonical(parts, parsed=True)


def _plain(text: str) -> Meaning:
    return b"text", text.encode("utf-8", "surrogatepass")


def _bytes(content: bytes) -> Meaning:
    return b"bytes", sha256(content).digest()
