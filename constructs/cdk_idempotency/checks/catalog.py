"""All rules, found by their files: adding a file to `rules/` adds its check."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from . import rules
from .model.finding import Check

CHECKS: Final[tuple[Check, ...]] = tuple(
    import_module(f"{rules.__name__}.{module.name}").check
    for module in iter_modules(rules.__path__)
)
"""In the order of their ids."""
