"""Values with the same canonical form, with another one, and with none."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

import pytest
from pydantic import BaseModel

from lambda_idempotency.identity.canonical import canonical


class Color(Enum):
    RED = "red"


class Size(StrEnum):
    LARGE = "large"


class Level(IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Point:
    x: int
    y: float


@dataclasses.dataclass
class Scaled:
    x: int
    unit: ClassVar[str] = "meter"


@dataclasses.dataclass
class Seeded:
    x: int
    seed: dataclasses.InitVar[int]


class Order(BaseModel):
    id: UUID
    total: Decimal


# Numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", [1.0, Decimal(1), Decimal("1.00"), Decimal("10e-1")])
def test_one_and_its_other_spellings_have_the_same_canonical_form(one: float | Decimal) -> None:
    assert canonical(one) == canonical(1)


@pytest.mark.parametrize("other", [True, "1", 1.5, -1, [1], Decimal("1.0001")])
def test_one_and_what_only_resembles_it_differ(other: Any) -> None:
    assert canonical(other) != canonical(1)


@pytest.mark.parametrize("zero", [0.0, -0.0, Decimal("0e9"), Decimal("-0.00")])
def test_all_zeros_are_equal(zero: float | Decimal) -> None:
    assert canonical(zero) == canonical(0)


@pytest.mark.parametrize("other", [False, None, "", 5e-324, Decimal("1e-400")])
def test_zero_and_what_only_resembles_it_differ(other: Any) -> None:
    assert canonical(other) != canonical(0)


def test_a_fraction_is_the_same_as_a_float_and_as_a_decimal() -> None:
    assert canonical({"price": 0.10}) == canonical({"price": Decimal("0.1000")})


def test_decimals_that_a_float_cannot_tell_apart_differ() -> None:
    assert canonical(Decimal("0.1")) != canonical(Decimal("0.10000000000000000001"))


def test_integers_beyond_2_to_the_53_are_exact() -> None:
    assert canonical(2**53) != canonical(2**53 + 1)


def test_a_whole_float_equals_its_integer() -> None:
    assert canonical(float(2**53)) == canonical(2**53)


@pytest.mark.parametrize("text", ["1e22", "1e23", "4.121199056829659e16", "-1.7e308"])
def test_a_large_float_means_the_decimal_number_it_is_written_as(text: str) -> None:
    assert canonical(json.loads(text)) == canonical(int(Decimal(text)))


def test_integers_of_more_digits_than_python_prints_are_exact() -> None:
    assert canonical(10**5000 + 1) != canonical(10**5000 + 2)


def test_an_integer_of_more_digits_than_python_prints_equals_its_decimal() -> None:
    assert canonical(-(10**5000)) == canonical(Decimal("-1e5000"))


def test_numbers_too_small_for_a_float_differ() -> None:
    assert canonical(Decimal("1e-400")) != canonical(Decimal("2e-400"))


def test_a_number_too_small_for_a_float_is_the_same_in_every_spelling() -> None:
    assert canonical(Decimal("1e-400")) == canonical(Decimal("10.0e-401"))


@pytest.mark.parametrize("digits", [4214, 4215, 4299, 4300, 4301])
def test_an_integer_and_its_decimal_agree_around_the_longest_printable_one(digits: int) -> None:
    number = 10**digits - 7
    assert canonical(number) == canonical(Decimal(number))


@pytest.mark.parametrize(
    "number",
    [
        float("nan"),
        float("inf"),
        float("-inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
    ],
)
def test_nan_and_infinities_are_refused(number: float | Decimal) -> None:
    with pytest.raises(ValueError, match="NaN or an infinity"):
        canonical({"amount": number})


# Texts --------------------------------------------------------------------------------------------


def test_lone_surrogates_are_told_apart() -> None:
    assert len({canonical(text) for text in ("\ud800", "\udfff", "?", "\ufffd")}) == 4


def test_a_surrogate_pair_differs_from_the_character_it_would_encode() -> None:
    assert canonical("\ud83d\ude00") != canonical("\U0001f600")


def test_text_is_not_normalised() -> None:
    assert canonical("é") != canonical("e\u0301")


@pytest.mark.parametrize("text", ["\x001e5000", "\x00\x001e5000", "1e5000"])
def test_no_text_is_taken_for_a_number_that_is_kept_as_text(text: str) -> None:
    assert canonical(text) != canonical(10**5000)


def test_texts_that_begin_with_nul_are_told_apart() -> None:
    assert len({canonical("\x00" * count + "a") for count in range(4)}) == 4


# Objects and lists --------------------------------------------------------------------------------


def test_the_order_of_names_does_not_matter() -> None:
    assert canonical({"a": 1, "b": {"c": 2, "d": 3}}) == canonical({"b": {"d": 3, "c": 2}, "a": 1})


def test_the_order_of_a_list_matters() -> None:
    assert canonical([1, 2]) != canonical([2, 1])


def test_a_tuple_equals_a_list() -> None:
    assert canonical({"a": (1, (2.0,))}) == canonical({"a": [1, [2]]})


def test_a_mapping_that_is_no_dict_equals_a_dict() -> None:
    assert canonical(MappingProxyType({"a": 1})) == canonical({"a": 1})


def test_a_null_differs_from_a_missing_name() -> None:
    assert canonical({"a": None}) != canonical({})


@pytest.mark.parametrize(
    ("name", "text"),
    [(1, "1"), (True, "true"), (None, "null"), (1.5, "1.5"), (UUID(int=1), str(UUID(int=1)))],
)
def test_a_name_that_is_no_text_is_the_text_that_json_gives_it(name: Any, text: str) -> None:
    assert canonical({name: "x"}) == canonical({text: "x"})


def test_names_that_are_numbers_are_sorted_like_their_texts() -> None:
    assert canonical({2: "x", 10: "y"}) == canonical({"2": "x", "10": "y"})


def test_a_number_beside_names_that_are_numbers_may_be_spelled_either_way() -> None:
    assert canonical({2: 1, 10: 2}) == canonical({2: 1, 10: 2.0})


@pytest.mark.parametrize("twice", [{1: "x", "1": "y"}, {None: "x", "null": "x"}])
def test_names_that_become_the_same_text_are_refused(twice: dict[Any, str]) -> None:
    with pytest.raises(ValueError, match="same name twice"):
        canonical(twice)


@pytest.mark.parametrize("name", [len, object(), float("nan")])
def test_a_name_that_has_no_form_is_refused(name: Any) -> None:
    with pytest.raises(ValueError, match="JSON does not have"):
        canonical({name: 1})


@pytest.mark.parametrize("name", [Size.LARGE, Color.RED, (1, 2), b"a", Decimal("1e6000")])
def test_a_name_of_a_class_of_its_own_is_told_from_its_text(name: Any) -> None:
    texts = ["large", "red", "[1,2]", "a", "YQ==", "\x001e6000", "1e6000"]
    assert canonical({name: 1, "b": 2}) == canonical({"b": 2, name: 1})
    assert canonical({name: 1}) not in [canonical({text: 1}) for text in texts]


def deep(value: Any, levels: int = 100_000) -> Any:
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("innermost", [1, 1.0, None])
def test_deep_nesting_is_refused(innermost: Any) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        canonical(deep(innermost))


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested too deeply"):
        canonical(endless)


def test_ordinary_nesting_is_not_refused() -> None:
    assert canonical(deep(1.0, 50)) == canonical(deep(1, 50))


# Python values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "json_form"),
    [
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (date(2030, 1, 2), "2030-01-02"),
        (datetime(2030, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))), "2030-01-02T03:00:00+01:00"),
        (timedelta(days=1, seconds=2.5), "P1DT2.5S"),
    ],
)
def test_a_python_value_equals_its_json_form(value: Any, json_form: Any) -> None:
    assert canonical(value) == canonical(json_form)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (UUID(int=1), UUID(int=2)),
        (Point(1, 2), Point(2, 1)),
        (datetime(2030, 1, 2), datetime(2030, 1, 2, 1)),
        (
            Order(id=UUID(int=1), total=Decimal("1.50")),
            Order(id=UUID(int=1), total=Decimal("1.51")),
        ),
    ],
)
def test_different_python_values_differ(one: Any, other: Any) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize("value", [Scaled(1), Seeded(1, 2)])
def test_a_dataclass_is_its_class_and_its_fields(value: Scaled | Seeded) -> None:
    name = f"{__name__}.{type(value).__name__}"
    assert json.loads(canonical(value)) == [f"\x00:{name}", dataclasses.asdict(value)]


@pytest.mark.parametrize("value", [object(), len, iter([1]), (item for item in "a"), Point])
def test_what_json_does_not_have_is_refused_by_its_type(value: Any) -> None:
    with pytest.raises(ValueError, match=f"holds a {type(value).__name__}, which JSON"):
        canonical({"a": [value]})


@pytest.mark.parametrize("make", [lambda: ["secret-4711", len], lambda: {("secret-4711", len): 1}])
def test_a_refusal_quotes_nothing(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"JSON|not text") as refused:
        canonical(make())
    assert "secret-4711" not in str(refused.value)
