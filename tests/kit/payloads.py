"""Payloads of HTTP requests: bodies as clients write them, and what they mean."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

from kit.http_events import SHAPES, Http
from lambda_idempotency.http import shapes
from lambda_idempotency.http.payload import payload_of
from lambda_idempotency.identity.events import http_shape
from lambda_idempotency.identity.fingerprints import Parts

JSON: Final = "application/json"
PLAIN: Final = "text/plain"
FORM: Final = "application/x-www-form-urlencoded"
OCTETS: Final = "application/octet-stream"


def payload(
    body: str | bytes | None,
    kind: str | None = None,
    coding: str | None = None,
    shape: str = "rest",
) -> Parts:
    """Return the meaning of a request's payload. Bytes are sent in base64."""
    headers = (*((("Content-Type", kind),) if kind else ()),)
    headers += (("Content-ENCODING", coding),) if coding else ()
    event = SHAPES[shape](Http(headers=headers, body=None))
    event["body"] = body
    if isinstance(body, bytes):
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return meaning(event)


def meaning(event: dict[str, Any]) -> Parts:
    """Return the meaning of an event's payload: its kind, its content, and the query."""
    name = http_shape(event)
    assert name is not None
    return payload_of(shapes.SHAPES[name](event)).meaning()


Part = tuple[Sequence[tuple[str, str]], bytes]


def multipart(
    *parts: Part, boundary: str = "b", kind: str = "multipart/form-data", quoted: bool = False
) -> tuple[bytes, str]:
    """Return a multipart body, and its Content-Type."""
    written = [
        f"--{boundary}\r\n".encode()
        + "".join(f"{name}: {value}\r\n" for name, value in headers).encode()
        + b"\r\n"
        + content
        + b"\r\n"
        for headers, content in parts
    ]
    named = f'"{boundary}"' if quoted else boundary
    return b"".join(written) + f"--{boundary}--\r\n".encode(), f"{kind}; boundary={named}"


def part(name: str, content: bytes = b"x", **others: str) -> Part:
    """Return a part of a form."""
    file = f'; filename="{others.pop("file")}"' if "file" in others else ""
    return (("Content-Disposition", f'form-data; name="{name}"{file}'), *others.items()), content


PHOTO: Final = part("photo", bytes(range(256)), file="me.png")
NOTE: Final = part("note", b"hello")
