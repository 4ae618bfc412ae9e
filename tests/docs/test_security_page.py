"""docs/security.md names tests that there are, for each threat."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import Final

import pytest

from kit.aws.local import ROOT
from kit.pages import text_of

PAGE: Final = text_of("security")
NAMED: Final = re.compile(r"`([\w/]+/test_\w+\.py)::(test_\w+)`")
ROWS: Final = [
    line
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| threat |", "|---"))
]


@cache
def defined_in(file: str) -> frozenset[str]:
    """The names of the tests in a file under tests/; none where there is no such file."""
    path = ROOT / "tests" / file
    if not path.is_file():
        return frozenset()
    nodes = ast.parse(path.read_text()).body
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef))


def missing(text: str) -> set[str]:
    """The tests that are named there and do not exist."""
    return {f"{file}::{name}" for file, name in NAMED.findall(text) if name not in defined_in(file)}


def test_every_test_that_is_named_exists() -> None:
    assert len(NAMED.findall(PAGE)) == PAGE.count("::")
    assert missing(PAGE) == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_threat_has_an_answer_and_a_test_that_shows_it(row: str) -> None:
    threat, stands, _remains, shown = (cell.strip() for cell in row.strip("|").split("|"))
    assert threat
    assert stands
    assert NAMED.search(shown)


@pytest.mark.parametrize(
    "name", ["unit/test_keys.py::test_nothing", "unit/test_no_such_file.py::test_nothing"]
)
def test_a_test_that_there_is_not_is_found(name: str) -> None:
    assert missing(f"`{name}`") == {name}
