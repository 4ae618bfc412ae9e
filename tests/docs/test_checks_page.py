"""docs/checks.md has every rule, as its file says it."""

from __future__ import annotations

import re

import pytest

from cdk_idempotency.checks.catalog import RULES
from docs.checks_table import HEAD, PAGE, page
from kit.local_aws import ROOT

PACKAGE = ROOT / "constructs" / "cdk_idempotency"


def _documented() -> list[tuple[str, str]]:
    """Return the names and severities of the page's table."""
    return re.findall(r"^\| `([a-z-]+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)


def test_the_table_is_up_to_date() -> None:
    assert PAGE.read_text() == page(PAGE.read_text()), "run `make docs`"


def test_the_table_has_every_rule_with_its_severity_and_no_other() -> None:
    assert _documented() == [(rule.name, rule.severity) for rule in RULES]


def test_the_table_is_in_order() -> None:
    assert _documented() == sorted(_documented())


def test_the_text_around_the_table_stays() -> None:
    text = page(f"before\n\n{HEAD}| old | rows |\n| `are` | gone |\n\nafter\n")
    assert text.startswith(f"before\n\n{HEAD}| `api-timeout` | warning |")
    assert text.endswith(" |\n\nafter\n")
    assert "gone" not in text


def test_a_page_without_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"checks.md lacks a table"):
        page("no table")


@pytest.mark.parametrize("method", ["add_error", "add_warning", "add_info"])
def test_findings_are_the_only_annotations(method: str) -> None:
    annotating = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if f".{method}" in path.read_text()
    }
    assert annotating <= {"checks/validation.py"}
