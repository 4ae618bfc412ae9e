"""The table of docs/checks.md says what the docstrings of the rules say."""

from __future__ import annotations

import re

import pytest

from cdk_idempotency.checks.catalog import RULES
from docs import checks_table
from kit.aws.local import ROOT

PACKAGE = ROOT / "constructs" / "cdk_idempotency"


def _documented() -> list[tuple[str, str]]:
    """Return the names and severities of the table of checks."""
    table = checks_table.PAGE.read_text()
    return re.findall(r"^\| `([a-z-]+)` \| (\w+) \|", table, re.MULTILINE)


def test_the_table_of_checks_is_up_to_date() -> None:
    text = checks_table.PAGE.read_text()
    assert text == checks_table.page(text), "run `make docs`"


def test_the_table_has_every_rule_with_its_severity_and_no_other() -> None:
    assert _documented() == [(rule.name, rule.severity) for rule in RULES]


def test_the_table_is_in_order() -> None:
    assert _documented() == sorted(_documented())


def test_the_text_around_the_table_stays() -> None:
    head = checks_table.HEAD
    text = checks_table.page(f"before\n\n{head}| old | rows |\n| `are` | gone |\n\nafter\n")
    assert text.startswith(f"before\n\n{head}| `api-timeout` | warning |")
    assert text.endswith(" |\n\nafter\n")
    assert "gone" not in text


def test_a_page_without_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"checks.md lacks a table"):
        checks_table.page("no table")


@pytest.mark.parametrize("method", ["add_error", "add_warning", "add_info"])
def test_findings_of_rules_are_the_only_annotations(method: str) -> None:
    annotating = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if f".{method}" in path.read_text()
    }
    assert annotating <= {"checks/validation.py"}
