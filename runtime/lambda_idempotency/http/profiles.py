"""The profiles as a table: their answers, and the responses that they keep.

`ietf` follows draft-ietf-httpapi-idempotency-key-header, `stripe` what Stripe's API documents
(https://docs.stripe.com/api/idempotent_requests), and `accepted` the asynchronous request-reply
pattern: the response to a duplicate says where to ask for the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from ..contract.http import HttpOptions, ProfileName
from ..tuples import NamedTuple

PASSED: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Safe methods (RFC 9110, 9.2.1). Their requests pass through."""

RETRIABLE: Final = frozenset({401, 403, 408, 409, 425, 429})
"""Statuses that ask the client to repeat the request. A class of statuses never includes them."""

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
"""Response headers that belong to one exchange only, in lower case. Cookies are `set-cookie`."""


class Profile(NamedTuple):
    """One row of the table. `stores` are classes of statuses, without those in RETRIABLE."""

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
    """Tell whether a response of this status is kept: the status, or its class, is named."""
    statuses = options.store_statuses or PROFILES[options.profile].stores
    if str(status) in statuses:
        return True
    return status not in RETRIABLE and f"{status // 100}xx" in statuses


def keeps_only_successes(options: HttpOptions) -> bool:
    """Tell whether no response but a success is kept."""
    statuses = options.store_statuses or PROFILES[options.profile].stores
    return all(status.startswith("2") for status in statuses)


def guards(options: HttpOptions, method: str) -> bool:
    """Tell whether requests of this method are made idempotent."""
    return method not in PASSED if options.methods is None else method in options.methods


def requires_key(options: HttpOptions) -> bool:
    """Tell whether a request without a key is refused."""
    profile = PROFILES[options.profile]
    return profile.required if options.required is None else options.required


def not_replayed(options: HttpOptions) -> frozenset[str]:
    """Return the headers that are neither stored nor replayed, in lower case."""
    replayed = {name.lower() for name in options.replayed}
    return (NOT_REPLAYED - replayed) | {name.lower() for name in options.not_replayed}
