"""An upgrade replaces no store and forgets no record, compared with the last release.

A change here is one that users must know of: docs/upgrades.md and the changelog say what is
replaced
and what is forgotten, and `python -m kit.released` writes the new state.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from kit.released import RELEASED, apps

LAST: dict[str, dict[str, Any]] = json.loads(RELEASED.read_text())


@pytest.fixture(scope="module")
def now() -> dict[str, dict[str, Any]]:
    """Return what the apps have now."""
    return apps()


@pytest.mark.parametrize("app", LAST)
def test_no_stateful_resource_is_replaced_or_changed(
    app: str, now: dict[str, dict[str, Any]]
) -> None:
    assert now[app]["resources"] == LAST[app]["resources"]


@pytest.mark.parametrize("app", LAST)
def test_no_function_is_led_elsewhere(app: str, now: dict[str, dict[str, Any]]) -> None:
    assert now[app]["variables"] == LAST[app]["variables"]
