"""Content codings: a recorded response in the coding that the client of a replay accepts.

A handler, or a library around it, compresses for the client that asked first. Another client of the
same request may accept no coding (RFC 9110, 12.5.3).
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..identity.inflate import GZIP, InflateError, inflate
from .response import values_of, without

_GZIP: Final = ("gzip", "x-gzip")  # RFC 9110, 8.4.1.3

_MOST: Final = 4 * 1024 * 1024
"""The most bytes of a decoded body: in base64 they are Lambda's largest response, 6 MB
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


def accepts_gzip(accepted: Iterable[str]) -> bool:
    """Tell whether the values of Accept-Encoding name gzip. Without them, the client may not even
    know of codings."""
    weights: dict[str, float] = {}
    for member in ",".join(accepted).split(","):
        coding, _, parameter = member.partition(";")
        weights[coding.strip().lower()] = _weight(parameter)
    found = [weights[name] for name in (*_GZIP, "*") if name in weights]
    return bool(found) and found[0] > 0


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def is_gzip(response: Mapping[str, Any]) -> bool:
    """Tell whether a response is coded with gzip, and nothing else."""
    codings = values_of(response, "content-encoding")
    return len(codings) == 1 and codings[0].strip().lower() in _GZIP


def without_gzip(response: dict[str, Any]) -> dict[str, Any]:
    """Return a gzip response without its coding; as it is if its body is not what its headers say,
    or too large for Lambda."""
    content = _decoded(response)
    if content is None:
        return response
    plain = without(response, frozenset({"content-encoding", "content-length"}))
    try:
        return {**plain, "body": content.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {**plain, "body": b2a_base64(content, newline=False).decode()}


def _decoded(response: Mapping[str, Any]) -> bytes | None:
    body = response.get("body")
    if not isinstance(body, str) or response.get("isBase64Encoded") is not True:
        return None
    try:
        return inflate(a2b_base64(body), GZIP, _MOST)
    except (Error, InflateError):
        return None
