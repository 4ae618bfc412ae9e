"""docs/api.md says what the docstrings say."""

from __future__ import annotations

import pytest

import cdk_idempotency
import lambda_idempotency
from docs.reference import PAGE, page

PAGE_NOW = page()
NAMES = [*cdk_idempotency.__all__, *lambda_idempotency.__all__]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == PAGE_NOW, "run `make docs`"


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_has_an_entry_with_a_text(name: str) -> None:
    entry = PAGE_NOW.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert len(entry.split()) > 5
