"""Fixtures of the protocol's tests."""

from __future__ import annotations

import pytest

from kit.schedule import Timeline


@pytest.fixture
def timeline() -> Timeline:
    """Return a store without records, and with no worker yet."""
    return Timeline()
