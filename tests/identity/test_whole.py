"""An object that has more than its content and fields is refused as a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pydantic
import pytest

from lambda_idempotency.identity.canonical import canonical
from lambda_idempotency.identity.refusals import UnusableError


@dataclass
class Card:
    id: str


class Price(Decimal):
    currency: str


class Labels(dict[str, Any]):
    currency: str


@dataclass
class Cart(dict[str, int]):
    id: str


class Plain:
    currency: str


class Slotted:
    __slots__ = ("currency",)


@dataclass
class OverPlain(Plain):
    id: str


@dataclass(slots=True)
class OverSlotted(Slotted):
    id: str


class Stamp(datetime):
    currency: str


class Marked(pydantic.BaseModel):
    _currency: str = ""


def _with(value: Any, **attributes: Any) -> Any:
    for name, attribute in attributes.items():
        setattr(value, name, attribute)
    return value


@pytest.mark.parametrize(
    "value",
    [
        *(_with(each(), currency="EUR") for each in (lambda: Price("1"), lambda: Labels(a=1))),
        *(_with(each("1"), currency="EUR") for each in (OverPlain, OverSlotted, Card)),
        _with(Marked(), _currency="EUR"),
        _with(Stamp(2026, 1, 1), currency="EUR"),
        Cart("1"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_has_more_than_its_content_or_fields_is_refused(value: Any) -> None:
    with pytest.raises(UnusableError, match=f"it holds a {type(value).__name__}, which has more"):
        canonical(value)


@pytest.mark.parametrize(
    "value",
    [Price("1"), Labels(a=1), OverPlain("1"), OverSlotted("1"), Marked(), Stamp(2026, 1, 1)],
    ids=lambda each: type(each).__name__,
)
def test_the_same_without_more_is_not(value: Any) -> None:
    canonical(value)
