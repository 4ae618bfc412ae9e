"""A finding of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from constructs import IConstruct

Severity: TypeAlias = Literal["error", "warning", "info"]
"""An error is something that AWS would refuse or that could never work; it ends the synthesis. A
warning is something that its owner may know better:
`Annotations.of(construct).acknowledge_warning(id)` silences it, on the construct or on any scope
above it. An info is something that works, and could work better; `acknowledge_info(id)` silences
it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A construct that is not in order, with the reason and what to do."""

    id: str
    """The rule's id, with the prefix `cdk-idempotency:`; it never changes."""
    severity: Severity
    construct: IConstruct
    message: str
