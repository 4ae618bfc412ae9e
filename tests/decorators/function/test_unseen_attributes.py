"""JMESPath over objects whose attributes it does not see: never a key that is merely missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_idempotency import MemoryStore, MissingKeyError, idempotent_function


class Basket:
    """A class of which nothing tells the fields."""

    def __init__(self) -> None:
        self.id = 1


@dataclass
class Parcel:
    number: int
    note: str | None = None

    @property
    def id(self) -> int:
        return self.number


@pytest.mark.parametrize(
    ("order", "key"),
    [
        *((each, "order.id") for each in (Basket(), SimpleNamespace(id=1), Parcel(1))),
        (date(2026, 1, 1), "order.year"),
        (Basket(), "[order.id, order.sku]"),
    ],
)
def test_an_attribute_that_jmespath_does_not_see_is_no_missing_key(
    store: MemoryStore, order: Any, key: str
) -> None:
    @idempotent_function(store=store, key=key, on_missing_key="bypass")
    def charge(order: Any) -> None:
        raise AssertionError("it ran unprotected")

    what = f"of a {type(order).__name__}, .*pass a callable"
    with pytest.raises(MissingKeyError, match=what):
        charge(order)


@pytest.mark.parametrize(
    ("order", "key"),
    [(Parcel(1), "order.note"), ((1, 2), "order.count"), ("text", "order.title"), (Basket(), "id")],
)
def test_a_field_that_is_null_or_not_there_is_a_missing_key(
    store: MemoryStore, order: Any, key: str
) -> None:
    @idempotent_function(store=store, key=key, on_missing_key="bypass")
    def charge(order: Any) -> str:
        return "ran"

    assert charge(order) == "ran"
