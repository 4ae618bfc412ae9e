"""An assert tells the type checker what it cannot see. `python -O` drops them all, so no decision,
about a caller's rights or anything else, may rest on one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from kit.aws.local import ROOT


def others(source: str) -> Iterator[int]:
    """The lines of asserts that do more than to narrow the type of what is there."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert) and not _narrows(node.test):
            yield node.lineno


def _narrows(test: ast.expr) -> bool:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test = test.operand
    if isinstance(test, ast.Call):
        checked = test.args[0]
        by_type = isinstance(test.func, ast.Name) and test.func.id == "isinstance"
        return by_type and isinstance(checked, ast.Name)
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name | ast.Attribute)
        and isinstance(test.ops[0], ast.IsNot)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value is None
    )


def test_asserts_narrow_types_and_decide_nothing() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for root in ("constructs", "runtime", "examples")
        for path in sorted((ROOT / root).rglob("*.py"))
        if "testing" not in path.parts  # its asserts are tests
        for line in others(path.read_text())
    }
    assert found == set()


@pytest.mark.parametrize("decides", ["scope == caller", "allowed(event)", "not expired", "x is y"])
def test_an_assert_that_decides_is_found(decides: str) -> None:
    assert list(others(f"def f():\n    assert {decides}")) == [2]
