"""docs/checks.md has every warning and error that has an id, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from kit.local_aws import ROOT

PACKAGE = ROOT / "constructs" / "cdk_idempotency"
PAGE = ROOT / "docs" / "checks.md"
PREFIX = "cdk-idempotency:"


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """All calls of the package: what is called, without what it belongs to."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func).rpartition(".")[2], node


def _raised() -> Iterator[tuple[str, str]]:
    """The ids and severities in the code: of checks, and of what warns by itself."""
    for name, call in _calls():
        first = call.args[0] if call.args else None
        text = first.value if isinstance(first, ast.Constant) else None
        if name in ("warning", "error") and isinstance(text, str):
            yield text, name
        elif name == "add_warning_v2" and isinstance(text, str):
            yield text.removeprefix(PREFIX), "warning"


def _documented() -> list[tuple[str, str]]:
    return re.findall(r"^\| `([a-z-]+)` \| (error|warning) \|", PAGE.read_text(), re.MULTILINE)


def test_the_table_has_what_the_code_has() -> None:
    assert sorted(_documented()) == sorted(set(_raised()))


def test_the_table_is_in_order() -> None:
    assert _documented() == sorted(_documented())


def test_every_id_is_a_literal_so_that_it_can_be_found() -> None:
    computed = [
        ast.unparse(call)
        for name, call in _calls()
        if name == "add_warning_v2" and not isinstance(call.args[0], ast.Constant)
    ]
    assert computed == [
        "Annotations.of(finding.construct).add_warning_v2(finding.id, finding.message)"
    ]
