"""The profiles, as a table: what each answers, and what it keeps.

`ietf` follows draft-ietf-httpapi-idempotency-key-header, `stripe` what Stripe's API documents
(https://docs.stripe.com/api/idempotent_requests), `accepted` the asynchronous request-reply
pattern: a duplicate is told where to ask for the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from ..contract.http import HttpOptions, ProfileName

PASSED: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Safe methods (RFC 9110, 9.2.1): they pass through."""

RETRIABLE: Final = frozenset({401, 403, 408, 409, 425, 429})
"""Statuses that ask for the same request again: no class of statuses includes them."""

NOT_REPLAYED: Final = frozenset(
    {
        "access-control-allow-origin",
        "connection",
        "date",
        "set-cookie",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "www-authenticate",
        "x-amzn-requestid",
        "x-amzn-trace-id",
    }
)
"""Response headers that belong to one exchange, in lower case."""


class Profile(NamedTuple):
    """One column of the table. `stores` are classes of statuses, less RETRIABLE."""

    required: bool
    in_progress: int
    mismatch: int
    retry_after: bool
    stores: tuple[str, ...]
    marker: str
    errors: Literal["problem", "stripe"]


PROFILES: Final[Mapping[ProfileName, Profile]] = {
    "ietf": Profile(
        required=True,
        in_progress=409,
        mismatch=422,
        retry_after=True,
        stores=("1xx", "2xx", "3xx", "4xx"),
        marker="Idempotency-Replayed",
        errors="problem",
    ),
    "stripe": Profile(
        required=False,
        in_progress=409,
        mismatch=400,
        retry_after=False,
        stores=("1xx", "2xx", "3xx", "4xx", "5xx"),
        marker="Idempotent-Replayed",
        errors="stripe",
    ),
    "accepted": Profile(
        required=False,
        in_progress=202,
        mismatch=400,
        retry_after=True,
        stores=("2xx",),
        marker="Idempotency-Replayed",
        errors="problem",
    ),
}


def keeps(options: HttpOptions, status: int) -> bool:
    """Whether a response of this status is kept: it is named, or of a class that is."""
    statuses = options.store_statuses or PROFILES[options.profile].stores
    if str(status) in statuses:
        return True
    return status not in RETRIABLE and f"{status // 100}xx" in statuses


def guards(options: HttpOptions, method: str) -> bool:
    """Whether requests of this method are made idempotent."""
    return method not in PASSED if options.methods is None else method in options.methods


def requires_key(options: HttpOptions) -> bool:
    """Whether a request without a key is refused."""
    profile = PROFILES[options.profile]
    return profile.required if options.required is None else options.required


def not_replayed(options: HttpOptions) -> frozenset[str]:
    """The headers that are neither stored nor replayed, in lower case."""
    if options.not_replayed is None:
        return NOT_REPLAYED
    return frozenset(name.lower() for name in options.not_replayed)
