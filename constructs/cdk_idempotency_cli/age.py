"""How long ago a record reached its state, as far as the record tells."""

from __future__ import annotations

import re

import click

from lambda_idempotency.protocol.record import PARKED, PARKED_FOR_MS

from .records.base import Found

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> int:
    """Return the milliseconds of a length of time such as `30m`, `12h` or `7d`."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no duration, such as 30m, 12h or 7d")
    return int(found[1]) * _UNITS[found[2]] * 1000


def age_ms(found: Found, *, expires_after_ms: int | None) -> int | None:
    """Return the milliseconds since an attempt's lease ended, or since the answer was recorded, the
    key parked, or the attempt gave up. A live record has the age 0.

    None if nobody knows: a record says when it expires, and `expires_after_ms` is the function's.
    """
    record, now = found
    if record.lease_end:
        return max(now - record.lease_end, 0)
    kept = PARKED_FOR_MS if record.status == PARKED else expires_after_ms
    return None if kept is None else max(now - record.expiration * 1000 + kept, 0)
