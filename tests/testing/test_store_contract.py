"""The contract of stores, as the author of a store uses it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from kit.aws.local import ROOT

PAGE: Final = ROOT / "docs" / "stores.md"

TESTS: Final = """
import pytest
from lambda_idempotency.testing.store_contract import StoreContract
from shop import SqliteStore

class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return SqliteStore(str(tmp_path / "records.db"))
"""


def _run(directory: Path, store: str, tests: str = TESTS) -> subprocess.CompletedProcess[str]:
    """Run the contract in a process that knows nothing of this project's own tests."""
    (directory / "shop.py").write_text(store)
    (directory / "test_shop.py").write_text(tests)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", "test_shop.py"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT / "runtime")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def store() -> str:
    """Return the store in the documentation."""
    [found] = re.findall(r"```python\n(import sqlite3\n.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


def test_the_store_of_the_documentation_keeps_the_contract(tmp_path: Path, store: str) -> None:
    ran = _run(tmp_path, store)
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"\d{3} passed", ran.stdout)


def test_the_tests_of_the_documentation_are_these() -> None:
    assert TESTS.strip() in PAGE.read_text()


@pytest.mark.parametrize(
    ("old", "new", "fails"),
    [
        (".expired(now)", ".leased(now)", "test_a_verb_does_what_the_table_says"),
        ("and not found.leased(now)", "", "test_a_verb_does_what_the_table_says"),
        ("return record.owner, record.revision", "return record.owner, 0", "says"),
        ("return record.owner, record.revision", 'return "", record.revision', "says"),
        ("or found.revision > claim.revision", "", "test_a_verb_does_what_the_table_says"),
        ("or found.steps is not None", "", "test_a_verb_does_what_the_table_says"),
        ("completion.strict or", "", "test_a_verb_does_what_the_table_says"),
        ("not completion.may_create(now)", "False", "test_a_verb_does_what_the_table_says"),
        ('({places})", record)', '({places})", record._replace(scope=None))', "says"),
    ],
)
def test_a_store_that_breaks_it_is_found(
    tmp_path: Path, store: str, old: str, new: str, fails: str
) -> None:
    assert store.count(old) == 1
    ran = _run(tmp_path, store.replace(old, new))
    assert ran.returncode == 1
    assert fails in ran.stdout


def test_a_class_without_a_store_says_what_is_missing(tmp_path: Path, store: str) -> None:
    tests = TESTS.split("    @pytest.fixture")[0] + "    pass\n"
    ran = _run(tmp_path, store, tests)
    assert "TestSqliteStore has no fixture `store`; define one" in ran.stdout


def test_without_pytest_the_import_says_what_to_install() -> None:
    ran = subprocess.run(
        [sys.executable, "-S", "-c", "import lambda_idempotency.testing.store_contract"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "runtime")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: lambda_idempotency.testing needs pytest: pip install pytest"
    )


def test_a_function_never_loads_it() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "from lambda_idempotency import *\nimport sys; print(*sys.modules)"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "runtime")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"pytest", "lambda_idempotency.testing"} & set(ran.stdout.split())
