"""The clock of this machine."""

from __future__ import annotations

from .finding import Finding, ok, warning

_MOST_S = 2
"""Seconds by which it may differ; a Date header has whole ones."""


def clock(sent: float, served: float, received: float) -> Finding:
    """Hold this machine's clock, before and after a request, against the store's in between."""
    about = "this machine's clock"
    if sent - served > _MOST_S:
        return warning(about, f"it is {sent - served:.0f} s ahead of the store's")
    if served - received > _MOST_S:
        return warning(about, f"it is {served - received:.0f} s behind the store's")
    return ok(about, "as the store's")
