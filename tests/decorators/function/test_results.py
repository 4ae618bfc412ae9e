"""Later calls get the first result again, with exactly its types, or an error, and never less."""

from __future__ import annotations

import datetime
import logging
import uuid
import warnings
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import InitVar, dataclass
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    Optional,
)

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.typed_results import (
    AT,
    COUNTED,
    DAY,
    ITEM,
    MODEL,
    NUMBER,
    RECEIPT,
    Address,
    Color,
    Counted,
    Item,
    Level,
    Model,
    OrderId,
    Point,
    Receipt,
    Refusal,
    Rights,
    Secret,
    Strict,
    returning,
)
from lambda_idempotency import MemoryStore, ResponseUnavailableError, idempotent_function
from lambda_idempotency.decorators.function.results import same


def _names(cases: list[tuple[Any, Any]]) -> list[str]:
    return [f"{type(result).__name__} as {annotation}" for result, annotation in cases]


RESTORED: Final[list[tuple[Any, Any]]] = [
    ({"a": [1, 2.5, None, True, "x"]}, Any),
    ({"a": [1]}, dict),
    ([1], list),
    ("5", int),
    (1, float),
    (None, None),
    (None, int | None),
    (OrderId(5), OrderId),
    ("a", Literal["a", "b"]),
    (RECEIPT, Receipt),
    (RECEIPT, "Receipt"),
    (RECEIPT, Annotated[Receipt, "of the till"]),
    (RECEIPT, Receipt | None),
    (None, Optional[Receipt]),  # noqa: UP045 - as some write it
    ([RECEIPT], list[Receipt]),
    ([RECEIPT], Sequence[Receipt]),
    ([RECEIPT], Collection[Receipt]),
    ({"a": [RECEIPT, None]}, dict[str, list[Receipt | None]]),
    ({"a": RECEIPT}, Mapping[str, Receipt]),
    ({1: RECEIPT}, dict[int, Receipt]),
    ({NUMBER: 1, uuid.UUID(int=6): 2}, dict[uuid.UUID, int]),
    ({(1, Color.RED): "x"}, dict[tuple[int, Color], str]),
    ({"a": 1}, dict[Literal["a"], int]),
    ((1, "a"), tuple[int, str]),
    ((ITEM, None), tuple[Item, str | None]),
    ((1, 2, 3), tuple[int, ...]),
    ((1, 2, 3), tuple),
    ((), tuple[()]),
    ({1, 2}, set[int]),
    (frozenset({NUMBER}), frozenset[uuid.UUID]),
    (Point(Decimal("1.50")), Point),
    ({"street": "x", "since": DAY}, Address),
    ([{"since": DAY}], list[Address]),
    (Color.RED, Color),
    (Color.NONE, Color),
    (Level.HIGH, Level),
    (Rights.READ | Rights.WRITE, Rights),
    (Decimal("1.50"), Decimal),
    (Decimal("NaN"), Decimal),
    (float("nan"), float),
    (NUMBER, uuid.UUID),
    (AT, datetime.datetime),
    (AT.replace(tzinfo=None), datetime.datetime),
    (DAY, datetime.date),
    (AT.timetz(), datetime.time),
    (datetime.timedelta(days=-1, microseconds=1), datetime.timedelta),
    (b"\x00\xff", bytes),
    (MODEL, Model),
    ([MODEL, None], list[Model | None]),
    (COUNTED, Counted),
    (Strict(day=DAY, next=Strict(day=DAY)), Strict),
    (RECEIPT, Receipt | Refusal),
    (Refusal(NUMBER, "x"), Receipt | Refusal),
    (Refusal(NUMBER, "x"), Receipt | Refusal | None),
    (None, Receipt | Refusal | None),
    ("x", Receipt | str),
    (5, Receipt | str | float),
    (True, Receipt | int),
    ([1], list[int] | Receipt),
    ({"a": 1}, dict[str, int] | Receipt | Literal[False]),
    (Color.NONE, Color | Level),
]


@pytest.mark.parametrize(("result", "annotation"), RESTORED, ids=_names(RESTORED))
def test_a_replay_equals_the_first_result(result: Any, annotation: Any) -> None:
    function = returning(result, annotation)
    first, second = function(), function()
    assert first is result
    assert same(first, second)
    assert repr(first) == repr(second)


def test_a_result_without_an_annotation_is_json() -> None:
    @idempotent_function(store=MemoryStore())
    def charge(order: int):  # type: ignore[no-untyped-def]  # as is tested
        return {"order": order}

    assert charge(1) == charge(1) == {"order": 1}


def test_a_restored_result_is_a_new_object() -> None:
    function = returning(RECEIPT, Receipt)
    function()
    assert function() is not function()


# Without a way back -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Special(Item):
    """A subclass of the annotated type."""


@dataclass
class Hidden:
    secret: InitVar[int]
    known: int = 0


@dataclass
class Doubling:
    number: int

    def __post_init__(self) -> None:
        self.number *= 2


UNAVAILABLE: Final[list[tuple[Any, Any]]] = [
    ((1, 2), Any),
    ({1: "a"}, dict),
    ({1: "a"}, dict[str, str]),
    ([(1,)], list),
    (Decimal("1.5"), Any),
    (OrderedDict(a=1), dict),
    (Level.HIGH, str),
    (RECEIPT, Any),
    ((RECEIPT,), list[Receipt]),
    (RECEIPT, Refusal),
    ({"number": 1}, Receipt),
    (None, Receipt),
    (Special("a", Decimal(1)), Item),
    (Hidden(1), Hidden),
    (Doubling(2), Doubling),
    (Secret(password=pydantic.SecretStr("secret-4711")), Secret),
    (b"x", Receipt | str),
    ("x" * 5, Decimal),
    (object(), Any),
]


@pytest.mark.parametrize(("result", "annotation"), UNAVAILABLE, ids=_names(UNAVAILABLE))
def test_what_would_come_back_as_something_else_is_unavailable(
    result: Any, annotation: Any, caplog: pytest.LogCaptureFixture
) -> None:
    function = returning(result, annotation)
    assert function() is result
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the result of function" in caplog.text
    assert "secret-4711" not in caplog.text
    with pytest.raises(ResponseUnavailableError):
        function()


def test_a_result_that_can_be_restored_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    returning(RECEIPT, Receipt)()
    assert caplog.records == []


def test_a_model_that_holds_what_it_should_not_warns_without_quoting_it() -> None:
    model = MODEL.model_copy(update={"number": "secret-4711"})
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        returning(model, Model)()
    assert warned == []


def test_a_result_too_large_for_the_store_is_unavailable(caplog: pytest.LogCaptureFixture) -> None:
    class Small(MemoryStore):
        max_data = 5

    function = returning("x" * 5, str, store=Small())
    function()
    assert "too large" in caplog.text
    with pytest.raises(ResponseUnavailableError):
        function()


# Any result ---------------------------------------------------------------------------------------

items = st.builds(
    Item, st.text(), st.decimals(allow_nan=False, allow_infinity=False), st.sampled_from(Color)
)
receipts = st.recursive(
    st.builds(
        Receipt,
        st.uuids(),
        st.lists(items, max_size=2),
        st.datetimes(timezones=st.none() | st.just(datetime.UTC)),
        st.none() | st.text(),
        st.none(),
    ),
    lambda parents: st.builds(
        Receipt, st.uuids(), st.lists(items, max_size=1), st.datetimes(), st.none(), parents
    ),
    max_leaves=3,
)


@given(st.dictionaries(st.integers(), st.tuples(receipts, st.frozensets(st.dates()))))
def test_any_result_of_an_annotated_type_is_replayed_as_it_was(result: Any) -> None:
    function = returning(result, dict[int, tuple[Receipt, frozenset[datetime.date]]])
    function()
    assert same(function(), result)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.decimals()
        | st.dates()
        | st.binary(),
        lambda inner: (
            st.lists(inner)
            | st.tuples(inner, inner)
            | st.dictionaries(st.text() | st.integers(), inner)
        ),
    )
)
def test_any_result_is_replayed_as_it_was_or_unavailable(result: Any) -> None:
    function = returning(result, Any)
    function()
    with suppress(ResponseUnavailableError):
        assert same(function(), result)


# Comparison ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        ([1], (1,)),
        ([1], [True]),
        ([1], [1, 2]),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1: "a"}, {True: "a"}),
        (Decimal("1.0"), Decimal("1.00")),
        (ITEM, Item("a", Decimal("1.5"))),
        (Level.HIGH, "high"),
    ],
)
def test_values_of_other_types_or_parts_are_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert same(one, one)
    assert same(other, other)
