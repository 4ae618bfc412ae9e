"""The API reference has every public name with its signature and docstring."""

from __future__ import annotations

import inspect
from types import FunctionType, ModuleType
from typing import Any

import pytest

import cdk_idempotency
import lambda_idempotency
from docs import reference

NAMES = [
    (package, name) for package in (cdk_idempotency, lambda_idempotency) for name in package.__all__
]


def _docstring(of: Any) -> str:
    """Return the docstring of a class or function; other values have none of their own."""
    if not isinstance(of, type | FunctionType):
        return ""
    assert of.__doc__ is not None
    return inspect.cleandoc(of.__doc__)


@pytest.fixture(scope="module")
def page() -> str:
    return reference.page()


@pytest.mark.parametrize(("package", "name"), NAMES, ids=[name for _, name in NAMES])
def test_every_public_name_has_an_entry_with_its_docstring(
    page: str, package: ModuleType, name: str
) -> None:
    entry = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert len(entry.split()) > 5
    assert _docstring(getattr(package, name)) in entry


def test_methods_have_their_signatures_and_docstrings(page: str) -> None:
    entry = page.partition("\n#### Attempt.downstream_key\n")[2].partition("\n#### ")[0]
    assert "downstream_key(name: str) -> str" in entry
    assert _docstring(lambda_idempotency.Attempt.downstream_key) in entry


def test_inherited_methods_are_there(page: str) -> None:
    assert "metric" not in vars(cdk_idempotency.Idempotency)
    assert "\n#### Idempotency.metric\n" in page


def test_private_members_are_not_there(page: str) -> None:
    headings = [line for line in page.splitlines() if line.startswith("#### ")]
    assert headings
    assert not [heading for heading in headings if "._" in heading]


def test_the_generator_writes_where_git_ignores_it() -> None:
    ignored = (reference.ROOT / ".gitignore").read_text().split()
    assert f"{reference.PAGE.relative_to(reference.ROOT).parts[0]}/" in ignored
