"""The one form of error at synth: which construct, what is wrong, what to do."""

from __future__ import annotations

from constructs import IConstruct


class ConstructError(ValueError):
    """A construct, or a value given to it, that cannot work."""

    def __init__(self, construct: IConstruct, message: str) -> None:
        super().__init__(f"[{construct.node.path}] {message}")
