"""Python values that JSON does not have: what tells them apart as keys, and what does not."""

from __future__ import annotations

import enum
import ipaddress
import re
import subprocess
import sys
import uuid
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import attrs
import pydantic
import pydantic.dataclasses
import pydantic.v1
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.planted import plant, refutes
from lambda_idempotency.identity import canonical as canonical_module
from lambda_idempotency.identity.canonical import canonical
from lambda_idempotency.identity.refusals import UnusableError
from lambda_idempotency.identity.values import items_of, plain


@dataclass
class Card:
    id: str


@dataclass
class Voucher:
    id: str


@pydantic.dataclasses.dataclass
class Account:
    id: str


class Cash(pydantic.BaseModel):
    id: str


class Check(pydantic.BaseModel):
    id: str


class Coin(NamedTuple):
    id: str


class Note(NamedTuple):
    id: str


@attrs.define
class Bond:
    id: str


@attrs.frozen
class Share:
    id: str


class Currency(enum.Enum):
    USD = "usd"


class Size(enum.Enum):
    USD = "usd"


class Text(enum.StrEnum):
    USD = "usd"


class Number(enum.IntEnum):
    USD = 1


class Other(enum.IntEnum):
    USD = 1


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Tagged(str):
    """A text, and no more than that."""

    __slots__ = ()


def distinct(*values: Any) -> bool:
    """Tell whether no two of the values have one form, also as items of lists."""
    forms = {canonical(value) for value in values} | {canonical([value]) for value in values}
    return len(forms) == 2 * len(values)


# Classes ------------------------------------------------------------------------------------------


def test_objects_of_two_classes_with_equal_fields_differ() -> None:
    classes: list[Any] = [Card, Voucher, Account, Coin, Note, Bond, Share]
    models = [Cash(id="1"), Check(id="1")]
    assert distinct(*(kind("1") for kind in classes), *models, {"id": "1"}, "1")


def test_enums_of_two_classes_and_their_values_differ() -> None:
    assert distinct(Currency.USD, Size.USD, Text.USD, "usd", "USD", Number.USD, Other.USD, 1, True)


def test_combinations_of_a_flag_differ() -> None:
    assert distinct(Rights.READ, Rights.WRITE, Rights.READ | Rights.WRITE, Rights(0), 1, 3)


@pytest.mark.parametrize("nested", [lambda it: {"a": [it]}, lambda it: Cash.model_construct(id=it)])
def test_a_class_counts_at_every_depth(nested: Any) -> None:
    assert len({canonical(nested(kind("1"))) for kind in (Card, Voucher)}) == 2


def test_objects_of_one_class_are_one_where_their_fields_are_equal() -> None:
    for kind in (Card, Account, Coin, Bond):
        assert canonical(kind("1")) == canonical(kind("1")) != canonical(kind("2"))


def test_no_text_is_taken_for_an_object() -> None:
    name = f"{Card.__module__}.{Card.__qualname__}"
    assert canonical(Card("1")) != canonical([f"\x00:{name}", {"id": "1"}])


def test_a_field_that_a_model_does_not_print_counts() -> None:
    class Payment(pydantic.BaseModel):
        card: str = pydantic.Field(exclude=True, repr=False)

        @pydantic.field_serializer("card")
        def masked(self, card: str) -> str:
            return f"****{card[-4:]}"

    assert canonical(Payment(card="1111-4711")) != canonical(Payment(card="2222-4711"))


def test_an_extra_field_of_a_model_counts() -> None:
    class Open(pydantic.BaseModel, extra="allow"):
        pass

    assert canonical(Open(a=1)) != canonical(Open(a=2))  # type: ignore[call-arg]


def test_a_computed_and_cached_property_does_not_count() -> None:
    from functools import cached_property

    class Model(pydantic.BaseModel):
        id: str

        @cached_property
        def long(self) -> str:
            return self.id * 2

    one, other = Model(id="1"), Model(id="1")
    assert one.long == "11"
    assert canonical(one) == canonical(other)


# Values of the standard library, and of pydantic --------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (uuid.UUID(int=1), str(uuid.UUID(int=1))),
        (date(2030, 1, 2), "2030-01-02"),
        (datetime(2030, 1, 2, 3), "2030-01-02T03:00:00"),
        (time(1, 2), "01:02:00"),
        (timedelta(hours=-1), "P-1DT82800S"),
        (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
        (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8"),
        (PurePosixPath("/a/b"), "/a/b"),
        (pydantic.SecretStr("s"), "s"),
        (pydantic.HttpUrl("https://a.example/b"), "https://a.example/b"),
        (Tagged("a"), "a"),
    ],
)
def test_a_text_of_a_kind_is_that_text(value: Any, text: str) -> None:
    assert canonical(value) == canonical(text)
    assert canonical({value: 1}) == canonical({text: 1})
    assert plain(value) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, 2), [1, 2]),
        (deque([1, 2]), [1, 2]),
        ({1, 2}, frozenset([2, 1])),
        (b"a", bytearray(b"a")),
        (b"ac", memoryview(b"abc")[::2]),
        (OrderedDict(a=1), {"a": 1}),
        (pydantic.SecretBytes(b"a"), b"a"),
        (Decimal("1.50"), 1.5),
    ],
)
def test_values_that_mean_the_same_are_one(one: Any, other: Any) -> None:
    assert canonical(one) == canonical(other)


def test_values_that_only_look_alike_differ() -> None:
    assert distinct(b"YQ==", "YQ==", b"a", "a", "bytes")
    assert distinct({1, 2}, [1, 2], {1: 2}, {"1", 2}, {True, 2}, {1, 2, 3}, set(), [], None)
    assert distinct(1, True, "1", Decimal("1.1"), "1.1", Fraction(11, 10), 1j)
    assert distinct(ipaddress.ip_interface("10.0.0.1/32"), ipaddress.ip_network("10.0.0.1/32"))
    assert distinct(re.compile("a"), re.compile("a", re.IGNORECASE), "a", re.compile(b"a"))
    assert distinct(timedelta(1), timedelta(seconds=1), timedelta(microseconds=1), 1, 86400)
    assert distinct(timedelta(seconds=1, microseconds=5), timedelta(seconds=1.5), timedelta(-1))
    assert distinct(date(2030, 1, 2), datetime(2030, 1, 2))
    assert distinct(pydantic.SecretStr("a"), pydantic.SecretStr("b"))


def test_the_order_in_a_set_does_not_count_whatever_is_in_it() -> None:
    items = [0, 8, Coin("1"), Coin("2"), 16, 2.5, "a", ("b", 1), Currency.USD, Text.USD]
    assert canonical({*items}) == canonical({*reversed(items)})


class Money:
    """A class of its own, which says in its schema how pydantic writes and reads it."""

    hidden = False

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self.cents == other.cents

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        from pydantic_core import core_schema as schemas

        write = schemas.plain_serializer_function_ser_schema(
            lambda it: "***" if cls.hidden else f"{it.cents} ct"
        )
        return schemas.no_info_plain_validator_function(
            lambda it: it if isinstance(it, Money) else cls(int(it.removesuffix(" ct"))),
            serialization=write,
        )


class Hidden(Money):
    hidden = True


class Unread(Money):
    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(cls, serialization=core_schema.to_string_ser_schema())


def test_what_a_class_of_its_own_writes_with_pydantic_counts() -> None:
    class Order(pydantic.BaseModel):
        price: Annotated[Money, "total"]

    forms = [Money(1), Money(2), "1 ct", Order(price=Money(1)), Order(price=Money(2))]
    assert distinct(*forms)
    assert canonical(Money(1)) == canonical(Money(1))


@pytest.mark.parametrize("value", [Hidden(1), Unread(1)])
def test_what_pydantic_does_not_read_back_is_refused(value: Any) -> None:
    with pytest.raises(UnusableError, match=f"it holds a {type(value).__name__}, which JSON does"):
        canonical(value)


def test_an_extra_field_of_a_pydantic_dataclass_counts() -> None:
    @pydantic.dataclasses.dataclass(config=pydantic.ConfigDict(extra="allow"))
    class Open:
        id: str

    assert distinct(*(Open("1", **extra) for extra in ({}, {"more": 1}, {"more": 2})))


def test_enums_that_a_function_makes_differ_by_what_they_mean() -> None:
    def color(value: int) -> enum.Enum:
        class Color(enum.Enum):
            X = value

        return Color.X

    assert distinct(color(1), color(2))


def test_the_two_hours_of_a_clock_that_is_set_back_differ() -> None:
    for hour in (datetime(2026, 10, 25, 2, 30), time(2, 30)):
        assert distinct(hour, hour.replace(fold=1))


def test_without_pydantic_nothing_loads_it() -> None:
    program = """
import sys, uuid, datetime, ipaddress, pathlib
from lambda_idempotency.identity.canonical import canonical
canonical([uuid.uuid4(), datetime.date.today(), {1}, b"a", pathlib.Path("/"), (1,)])
try:
    canonical(object())
except ValueError as error:
    print(error)
print("pydantic" in sys.modules, "dataclasses" in sys.modules)
"""
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert printed.stdout.split("\n")[:2] == [
        "it holds a object, which JSON does not have",
        "False False",
    ]


# As JSON ------------------------------------------------------------------------------------------


def test_a_model_is_its_json_by_the_names_there_and_found_by_its_attributes() -> None:
    class Line(pydantic.BaseModel):
        sku_code: str = pydantic.Field(alias="skuCode")
        note: str | None = None
        gift: str | None = None

    class Lines(pydantic.RootModel[list[Line]]):
        pass

    lines = plain(Lines.model_validate([{"skuCode": "a", "gift": None}]))
    assert lines == [{"skuCode": "a", "gift": None}]
    assert lines[0].get("sku_code") == lines[0].get("skuCode") == "a"
    assert lines[0].get("note") is lines[0].get("sku") is None


class Cheque(pydantic.v1.BaseModel):
    """A model of pydantic 1, with all that makes one say more or less than its fields."""

    number: int = pydantic.v1.Field(alias="chequeNumber")
    note: str | None = None

    class Config:
        extra = "allow"
        allow_population_by_field_name = True


class Coupon(Cheque):
    pass


def test_a_model_of_pydantic_1_is_told_by_its_class_and_fields() -> None:
    same = [Cheque.parse_obj(each) for each in ({"number": 1}, {"chequeNumber": 1})]
    others = [
        *(Cheque.parse_obj(each) for each in ({"number": 2}, {"number": 1, "more": 2})),
        *(Coupon.parse_obj({"number": 1}), {"chequeNumber": 1}),
    ]
    assert len({canonical(each) for each in same}) == 1
    assert len({canonical(each) for each in (same[0], *others)}) == 1 + len(others)


def test_a_model_of_pydantic_1_is_its_json_by_the_names_there() -> None:
    class Cheques(pydantic.v1.BaseModel):
        __root__: list[Cheque]

    cheques = plain(Cheques.parse_obj([{"chequeNumber": 1, "note": None}, {"chequeNumber": 2}]))
    assert cheques == [{"chequeNumber": 1, "note": None}, {"chequeNumber": 2}]
    assert cheques[0].get("number") == 1


def test_a_private_attribute_of_a_model_of_pydantic_1_is_refused() -> None:
    class Signed(pydantic.v1.BaseModel):
        _by: str = pydantic.v1.PrivateAttr("bob")

    with pytest.raises(UnusableError, match="Signed, which has more to it than its fields"):
        canonical(Signed())


T = TypeVar("T")


@dataclass
class Box(Generic[T]):
    content: T


def test_what_a_generic_class_was_called_with_does_not_count() -> None:
    assert canonical(Box[int](1)) == canonical(Box(1)) != canonical(Box(2))


def test_a_root_model_is_what_is_in_it_however_deep() -> None:
    class Codes(pydantic.RootModel[list[str]]):
        pass

    class Outer(pydantic.RootModel[Codes]):
        pass

    outer = Outer.model_validate(["a"])
    assert plain([outer]) == [["a"]]
    assert items_of(outer) == ["a"]
    assert canonical(outer) != canonical(outer.root)


def test_names_that_are_one_in_json_are_refused() -> None:
    with pytest.raises(ValueError, match="same name twice"):
        plain({1: "a", "1": "b"})


# Properties ---------------------------------------------------------------------------------------

IDS = st.sampled_from(("", "1", "2", "a"))
SCALARS = (
    IDS
    | st.integers(0, 2)
    | st.booleans()
    | st.none()
    | st.sampled_from((Currency.USD, Size.USD, Text.USD, Number.USD, Other.USD, Rights.READ))
    | st.sampled_from((b"", b"1", b"a", date(2030, 1, 2), uuid.UUID(int=1), Decimal(1), "usd"))
    | st.builds(Coin, IDS)
    | st.builds(Note, IDS)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(IDS, inner, max_size=2)
        | st.frozensets(SCALARS, max_size=2)
        | st.builds(Card, inner)
        | st.builds(Voucher, inner)
        | st.builds(lambda part: Cash.model_construct(id=part), inner)
        | st.builds(Bond, inner)
    ),
    max_leaves=4,
)


def meaning(value: Any) -> Any:
    """Return all that should count of a value, said in another way than the canonical form."""
    kind = type(value)
    if isinstance(value, enum.Enum):
        return kind, value.name, value.value
    if kind in (Card, Voucher, Cash, Bond, Coin, Note):
        return kind, meaning(value.id)
    if isinstance(value, date | uuid.UUID):
        return str, str(value)
    if isinstance(value, frozenset):
        return frozenset, frozenset(map(meaning, value))
    if isinstance(value, list | tuple):
        return list, tuple(map(meaning, value))
    if isinstance(value, dict):
        return dict, frozenset((name, meaning(part)) for name, part in value.items())
    return int if kind is Decimal else kind, value


LOOKALIKES = st.sampled_from(
    (
        *(Text.USD, Currency.USD, "usd", Number.USD, 1, True, Coin("1"), Note("1"), ["1"]),
        *(Card("1"), Voucher("1"), {"id": "1"}, frozenset((0, 8)), frozenset((8, 0)), [0, 8]),
    )
)
PAIRS = st.tuples(VALUES, VALUES) | st.tuples(LOOKALIKES, LOOKALIKES)


@given(PAIRS)
def test_two_values_have_one_form_only_where_they_mean_the_same(pair: tuple[Any, Any]) -> None:
    one, other = pair
    assert (canonical(one) == canonical(other)) == (meaning(one) == meaning(other))


@given(VALUES)
def test_a_value_has_one_form_wherever_it_is(value: Any) -> None:
    assert canonical({"a": value, "b": [value]}) == canonical({"b": (value,), "a": value})


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("_has_only_exact_types", lambda value: True),
        ("_formed", lambda form: canonical_module._plain(form.content)),
        ("SET", "nothing"),
    ],
)
def test_a_defect_is_found(monkeypatch: pytest.MonkeyPatch, name: str, defect: Any) -> None:
    plant(monkeypatch, canonical, name, defect)
    assert refutes(test_two_values_have_one_form_only_where_they_mean_the_same, PAIRS)
