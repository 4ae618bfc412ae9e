"""Fixtures of the protocol's tests."""

from __future__ import annotations

import pytest

from kit.schedule import Timeline


@pytest.fixture
def timeline() -> Timeline:
    """A store without records, and nobody at work yet."""
    return Timeline()
