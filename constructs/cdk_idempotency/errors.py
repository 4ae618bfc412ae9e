"""One form for everything the construct refuses: which construct, what is wrong, what to do."""

from __future__ import annotations

from constructs import IConstruct


def refusal(construct: IConstruct, message: str) -> ValueError:
    """The error to raise at synth."""
    return ValueError(f"[{construct.node.path}] {message}")
