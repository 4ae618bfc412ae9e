"""A record in words: for people as facts, for programs as JSON.

Its answer, its steps and its fingerprint are hidden unless they are asked for: `reveal` says where
answers are kept.
"""

from __future__ import annotations

import json
from typing import Any

from lambda_idempotency.errors import IdempotencyError
from lambda_idempotency.protocol.record import COMPLETED, INPROGRESS, Record
from lambda_idempotency.response import serialization
from lambda_idempotency.response.body import fetched
from lambda_idempotency.response.keeping import Keeping
from lambda_idempotency.response.steps import unpacked

from .console import moment, span
from .records.base import Found

MEANINGS = {
    "live": "an attempt holds the key, and may still be running",
    "orphan": "the attempt died; the next request takes over",
    "given-up": "the last attempt gave up and kept its steps; the next request goes on",
    "completed": "done; duplicates get the recorded answer",
    "parked": "stopped; nothing runs until an operator decides",
    "expired": "counts for nothing; the store deletes it",
}


def values_of(found: Found, *, reveal: Keeping | None = None) -> dict[str, Any]:
    """Return the record for programs; times in ISO 8601."""
    record = found.record
    values: dict[str, Any] = {
        "id": record.key,
        "state": found.state,
        "attempt": record.attempt,
        "owner": record.owner,
        "lease_ends": moment(record.lease_end) if record.lease_end else None,
        "expires": moment(record.expiration * 1000),
        "revision": record.revision if record.status == INPROGRESS else None,
        "execution": record.execution,
    }
    if reveal is not None:
        values |= revealed(record, reveal)
    return values


def facts_of(found: Found, *, reveal: Keeping | None) -> dict[str, Any]:
    """Return the record for people."""
    record, now = found
    facts: dict[str, Any] = {
        "state": f"{found.state}: {MEANINGS[found.state]}",
        "attempt": record.attempt,
        "owner": record.owner,
    }
    if record.lease_end:
        facts["lease ends"] = _relative(record.lease_end, now)
    facts["expires"] = _relative(record.expiration * 1000, now)
    if record.execution is not None:
        facts["execution"] = record.execution
    if record.steps is not None:
        facts["steps"] = "hidden"
    if record.status == COMPLETED:
        facts["answer"] = "hidden"
    if reveal is not None:
        shown = revealed(record, reveal)
        facts["fingerprint"] = shown["fingerprint"]
        if "steps" in shown:
            facts["steps"] = ", ".join(shown["steps"])
        if "no_answer" in shown:
            facts["answer"] = shown["no_answer"]
        elif "answer" in shown:
            facts["answer"] = json.dumps(shown["answer"])
    return facts


def revealed(record: Record, keeping: Keeping) -> dict[str, Any]:
    """Return what is hidden otherwise; an answer from where it is kept."""
    values: dict[str, Any] = {"fingerprint": record.fingerprint}
    if record.steps is not None:
        values["steps"] = list(unpacked(record.key, record.steps))
    if record.status == COMPLETED:
        try:
            values["answer"] = serialization.from_stored(fetched(record, keeping))
        except IdempotencyError as error:
            values["no_answer"] = str(error)
    return values


def _relative(at: int, now: int) -> str:
    away = span(at - now)
    return f"{moment(at)} ({f'in {away}' if at > now else f'{away} ago'})"
