"""The answers that this layer itself makes, as a table. problem+json is RFC 9457."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from ..tuples import NamedTuple
from .profiles import Profile
from .response import Answer

Case: TypeAlias = Literal[
    "missing",
    "malformed",
    "in progress",
    "mismatch",
    "unavailable",
    "not kept",
    "parked",
    "outage",
    "refused",
    "unknown",
    "overtaken",
    "bad token",
    "not found",
    "interrupted",
]

MAX_RETRY_AFTER_S: Final = 5
"""The most seconds in `Retry-After`: the other attempt may end long before its lease."""


class _Text(NamedTuple):
    title: str
    detail: str
    stripe_type: str


_TEXTS: Final[Mapping[Case, _Text]] = {
    "missing": _Text(
        "Idempotency key missing",
        "This request must carry a key that is unique to it. Repeat it with one.",
        "invalid_request_error",
    ),
    "malformed": _Text(
        "Idempotency key unusable",
        "The idempotency key of this request cannot be used.",
        "invalid_request_error",
    ),
    "in progress": _Text(
        "Request in progress",
        "A request with this idempotency key is in progress. Repeat this one later.",
        "idempotency_error",
    ),
    "mismatch": _Text(
        "Idempotency key reused",
        "This idempotency key belongs to a request with another payload. Use a new key.",
        "idempotency_error",
    ),
    "unavailable": _Text(
        "Response unavailable",
        "The request is done, but its response could not be stored. Do not repeat it.",
        "api_error",
    ),
    "not kept": _Text(
        "Response not kept",
        "The request is done, and its response was not kept. Do not repeat it.",
        "idempotency_error",
    ),
    "parked": _Text(
        "Request parked",
        "Attempts of this request kept dying. An operator must decide before it runs again.",
        "api_error",
    ),
    "outage": _Text(
        "Service unavailable",
        "It is unknown whether this request was made before, so it did not run. Repeat it.",
        "api_error",
    ),
    "refused": _Text(
        "Changes refused",
        "The changes that this request asks for were refused, so none was made.",
        "api_error",
    ),
    "unknown": _Text(
        "Outcome unknown",
        "It is unknown whether this request took effect. Repeat it with the same idempotency key.",
        "api_error",
    ),
    "overtaken": _Text(
        "Request overtaken",
        "Another attempt of this request took over. Repeat it to get that one's answer.",
        "api_error",
    ),
    "bad token": _Text(
        "Malformed token",
        "The last part of the path must be a token from a Location header.",
        "invalid_request_error",
    ),
    "not found": _Text(
        "No such request",
        "There is no request of yours under this token, or its answer has expired.",
        "invalid_request_error",
    ),
    "interrupted": _Text(
        "Request interrupted",
        "The request died without an answer. Repeat it with the same idempotency key.",
        "api_error",
    ),
}

_PHRASES: Final[Mapping[int, str]] = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    410: "Gone",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def refusal(
    profile: Profile,
    case: Case,
    status: int,
    *,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return an error in the profile's form. `detail` replaces the one in the table."""
    text = _TEXTS[case]
    detail = text.detail if detail is None else detail
    name = case.replace(" ", "_")
    if profile.errors == "stripe":
        kind = "application/json"
        content: object = {
            "error": {"type": text.stripe_type, "code": f"idempotency_{name}", "message": detail}
        }
    else:
        kind = "application/problem+json"
        content = {
            "type": f"urn:idempotency:{name.replace('_', '-')}",
            "title": text.title,
            "status": status,
            "detail": detail,
        }
    return _answer(status, kind, content, headers or {})


def state(status: int, name: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return the state of a request, without its response."""
    return _answer(status, "application/json", {"status": name}, headers or {})


def done(marker: str) -> Answer:
    """Return a success without a body, marked as a replay."""
    return Answer(200, _PHRASES[200], {"Cache-Control": "no-store", marker: "true"}, "")


def retry_after(milliseconds: int) -> dict[str, str]:
    """Return the header for a lease that lasts `milliseconds` longer."""
    return {"Retry-After": str(min(max(-(-milliseconds // 1000), 1), MAX_RETRY_AFTER_S))}


def cross_origin(
    origins: tuple[str, ...], origin: str | None, exposed: tuple[str, ...]
) -> dict[str, str]:
    """Return the headers that let a browser's script from an allowed origin read an answer."""
    if not origins:
        return {}
    allow = {"Access-Control-Expose-Headers": ", ".join(exposed)}
    if "*" in origins:
        return {"Access-Control-Allow-Origin": "*", **allow}
    if origin is None or origin not in origins:
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin", **allow}


def _answer(status: int, kind: str, content: object, headers: Mapping[str, str]) -> Answer:
    return Answer(
        status=status,
        phrase=_PHRASES[status],
        headers={"Content-Type": kind, "Cache-Control": "no-store", **headers},
        body=json.dumps(content),
    )
