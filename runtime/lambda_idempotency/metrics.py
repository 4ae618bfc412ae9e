"""What is told about a record: an event by its name, and the record's id; never a key."""

from __future__ import annotations

import sys
from typing import Final

from .record import Metric

_WARN: Final[frozenset[Metric]] = frozenset(
    {"TakenOver", "LeaseLost", "CompletionFailed", "Parked", "StoreError", "EvictionPossible"}
)


def report(metric: Metric, key: str | None) -> None:
    """Logs an event under the record's id: what on-call must see at WARNING, the rest at DEBUG."""
    if metric in _WARN:
        import logging

        logging.getLogger("lambda_idempotency").warning("%s %s", metric, key)
    elif "logging" in sys.modules:  # else nobody can be listening, and its import takes 10 ms
        sys.modules["logging"].getLogger("lambda_idempotency").debug("%s %s", metric, key)
