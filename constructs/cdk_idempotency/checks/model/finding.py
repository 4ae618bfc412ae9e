"""What a check has found, and what a check is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from constructs import IConstruct

from .deployment import Deployment

Severity: TypeAlias = Literal["error", "warning", "info"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Why a construct is not in order, and what to do.

    An error is what AWS would refuse, or what could never work, and ends the synthesis. A warning
    is what its owner may know better: `Annotations.of(construct).acknowledge_warning(id)` silences
    it, on the construct or on any scope above it. An info is what works, and could work better;
    `acknowledge_info(id)` silences it.
    """

    id: str
    """With the prefix `cdk-idempotency:`; it never changes."""
    construct: IConstruct
    message: str
    severity: Severity


Check: TypeAlias = Callable[[Deployment], Iterator[Finding]]


def error(id: str, construct: IConstruct, message: str) -> Finding:  # noqa: A002
    """A finding that ends the synthesis; `id` is without its prefix."""
    return _finding(id, construct, message, "error")


def warning(id: str, construct: IConstruct, message: str) -> Finding:  # noqa: A002
    """A finding that can be acknowledged; `id` is without its prefix."""
    return _finding(id, construct, message, "warning")


def info(id: str, construct: IConstruct, message: str) -> Finding:  # noqa: A002
    """A finding that is a hint; `id` is without its prefix."""
    return _finding(id, construct, message, "info")


def _finding(
    id: str,  # noqa: A002
    construct: IConstruct,
    message: str,
    severity: Severity,
) -> Finding:
    return Finding(
        id=f"cdk-idempotency:{id}", construct=construct, message=message, severity=severity
    )
