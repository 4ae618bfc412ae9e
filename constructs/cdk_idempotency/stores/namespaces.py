"""Namespaces in policies that must name those of all attached functions, and stay short."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

MANY: Final = 16
"""The namespaces with one first part, such as the stack's name, that a policy names one by one."""


def covering(namespaces: Iterable[str]) -> list[str]:
    """Return patterns that cover these namespaces: the namespaces, and where many have one first
    part, all that begin with that. A policy has its quota, however many functions there are."""
    families: defaultdict[str, list[str]] = defaultdict(list)
    for namespace in sorted(namespaces):
        families[namespace.partition("/")[0]].append(namespace)
    return [
        pattern
        for first, members in families.items()
        for pattern in (members if len(members) <= MANY else [f"{first}/*"])
    ]
