"""The line of the log that says why an event happened: in our own words, and as fields.

What others say can quote a key or a payload: of their errors it has the names alone.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import IdempotencyError, StoreError
from ..protocol.record import Metric


def described(
    metric: Metric,
    key: str | None,
    why: Exception | str,
    attempt: int | None,
    remaining: Callable[[], int] | None,
) -> tuple[str, dict[str, object]]:
    """Return the text of an event, and its fields without those that are not known."""
    words = str(why) if isinstance(why, str | IdempotencyError) else type(why).__name__
    fields: dict[str, object] = {
        "idempotency_cause": words,
        "idempotency_code": code_of(why),
        "idempotency_host": why.host if isinstance(why, StoreError) else None,
        "idempotency_attempt": attempt,
        "idempotency_time_left_ms": None if remaining is None else remaining(),
    }
    fields = {name: value for name, value in fields.items() if value is not None}
    about = [
        form % fields[name]
        for name, form in (
            ("idempotency_attempt", "attempt %d"),
            ("idempotency_time_left_ms", "%d ms left"),
            ("idempotency_host", "%s"),
        )
        if name in fields
    ]
    subject = metric if key is None else f"{metric} {key}"
    return f"{subject} ({', '.join(about)}): {words}" if about else f"{subject}: {words}", fields


def code_of(why: Exception | str) -> str | None:
    """Return the service's code of an error, or else the name of its type."""
    if isinstance(why, StoreError) and why.code is not None:
        return why.code
    return None if isinstance(why, str) else type(why).__name__
