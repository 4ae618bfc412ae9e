"""Defects put into a module for a while, to see a test find them."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis.strategies import SearchStrategy

from kit.strategies import thorough


def plant(
    monkeypatch: pytest.MonkeyPatch, beside: Callable[..., Any], name: str, defect: Any
) -> None:
    """Give a name another meaning in the module that defines `beside`, wherever that module is."""
    assert name in beside.__globals__ or hasattr(builtins, name), name
    monkeypatch.setitem(beside.__globals__, name, defect)


def refutes(property_: Any, *strategies: SearchStrategy[Any]) -> bool:
    """Tell whether a property that takes these fails, sooner or later: a defect that a few hundred
    examples find depends on the seed, which follows the test's source."""
    phases = (Phase.explicit, Phase.generate)
    quickly = settings(thorough, phases=phases, max_examples=5_000)
    try:
        quickly(given(*strategies)(property_.hypothesis.inner_test))()
    except Exception as error:  # noqa: BLE001 - a defect may raise anything
        return any("test case" in note for note in getattr(error, "__notes__", ()))
    return False
