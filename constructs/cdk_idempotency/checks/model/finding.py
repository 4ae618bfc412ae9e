"""A finding of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from constructs import IConstruct

Severity: TypeAlias = Literal["error", "warning", "info"]
"""An error is what AWS would refuse, or what could never work, and ends the synthesis. A warning is
what its owner may know better: `Annotations.of(construct).acknowledge_warning(id)` silences it, on
the construct or on any scope above it. An info is what works, and could work better;
`acknowledge_info(id)` silences it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A construct that is not in order, with the reason and what to do."""

    id: str
    """With the prefix `cdk-idempotency:`; it never changes."""
    severity: Severity
    construct: IConstruct
    message: str
