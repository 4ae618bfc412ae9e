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


def _run(directory: Path, *stores: str, tests: str = TESTS) -> subprocess.CompletedProcess[str]:
    """Run the contract of stores in a process that knows nothing of this project's own tests."""
    for number, store in enumerate(stores):
        (directory / f"shop{number}.py").write_text(store)
        importing = tests.replace("from shop import", f"from shop{number} import")
        (directory / f"test_shop{number}.py").write_text(importing)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(directory)],
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
    assert re.search(r"\d\d passed", ran.stdout)


def test_the_tests_of_the_documentation_are_these() -> None:
    assert TESTS.strip() in PAGE.read_text()


DEFECTS: Final = (
    (".expired(now)", ".leased(now)"),
    ("and not found.leased(now)", ""),
    ("return record.owner, record.revision", "return record.owner, 0"),
    ("return record.owner, record.revision", 'return "", record.revision'),
    ("or found.revision > claim.revision", ""),
    ("or found.steps is not None", ""),
    ("completion.strict or", ""),
    ("not completion.may_create(now)", "False"),
    ('({places})", record)', '({places})", record._replace(scope=None))'),
)
"""What stands once in the store of the documentation, and what breaks it in its place."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, store: str) -> str:
    """Return what pytest prints about the stores with these defects."""
    assert [store.count(old) for old, _ in DEFECTS] == [1] * len(DEFECTS)
    broken = [store.replace(old, new) for old, new in DEFECTS]
    return _run(tmp_path_factory.mktemp("broken"), *broken).stdout


@pytest.mark.parametrize("number", range(len(DEFECTS)), ids=lambda number: DEFECTS[number][0])
def test_a_store_that_breaks_it_is_found(told: str, number: int) -> None:
    table = "TestSqliteStore::test_each_verb_does_what_the_table_says"
    assert f"FAILED test_shop{number}.py::{table}" in told


def test_a_class_without_a_store_says_what_is_missing(tmp_path: Path, store: str) -> None:
    tests = TESTS.split("    @pytest.fixture")[0] + "    pass\n"
    ran = _run(tmp_path, store, tests=tests)
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
