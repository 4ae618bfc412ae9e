"""Patterns that cover namespaces, and are few."""

from __future__ import annotations

from cdk_idempotency.stores.namespaces import MANY, covering


def test_a_few_are_named_one_by_one() -> None:
    names = [f"Stack/F{number:02}" for number in range(MANY)]
    assert covering([*names, "alone"]) == [*names, "alone"]


def test_more_with_one_beginning_are_covered_by_it_and_others_are_not() -> None:
    names = [f"Stack/F{number:02}" for number in range(MANY + 1)]
    assert covering([*names, "alone", "Stacked/F"]) == ["Stack/*", "Stacked/F", "alone"]


def test_nothing_is_covered_by_nothing() -> None:
    assert covering([]) == []
