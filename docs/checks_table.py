"""Generate the table of docs/checks.md from the docstrings of the rules: `make docs`.

The rest of the page is written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from cdk_idempotency.checks.catalog import RULES
from cdk_idempotency.checks.rule import Rule

PAGE: Final = Path(__file__).resolve().parent / "checks.md"
HEAD: Final = "| id | | fires when | what to do |\n|---|---|---|---|\n"


def page(text: str) -> str:
    """Return the page's text with the table as the rules are now."""
    before, head, after = text.partition(HEAD)
    if not head:
        raise ValueError(f"{PAGE.name} lacks a table with the head {HEAD!r}")
    rows = "".join(f"{_row(rule)}\n" for rule in RULES)
    return before + head + rows + re.sub(r"\A(\|.*\n)*", "", after)


def _row(rule: Rule) -> str:
    fires_when, what_to_do = rule.documentation()
    return f"| `{rule.name}` | {rule.severity} | {fires_when} | {what_to_do} |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
