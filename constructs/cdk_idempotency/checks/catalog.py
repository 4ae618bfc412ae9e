"""All rules, found by their files: a file in `rules/` is all that a rule takes."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from . import rules
from .rule import Rule

RULES: Final[tuple[Rule, ...]] = tuple(
    import_module(f"{rules.__name__}.{file.name}").check
    for file in sorted(iter_modules(rules.__path__))
)
"""In the order of their ids."""
