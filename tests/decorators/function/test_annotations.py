"""Annotations that say how results are restored, serializers in their place, and refused types."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
)

import pytest

from kit.typed_results import ITEM, Address, Counted, Item, Page, Plain, Receipt, Refusal, returning
from lambda_idempotency import (
    ConfigurationError,
    MemoryStore,
    ResponseUnavailableError,
    current,
    idempotent_function,
)
from lambda_idempotency.protocol.record import Conflict, Record

if TYPE_CHECKING:
    from decimal import Decimal as Missing

# Refused where it is decorated --------------------------------------------------------------------


class Other:
    """A class whose Refusal has the same name as another."""

    @dataclass
    class Refusal:
        number: int


Other.Refusal.__qualname__ = "Refusal"

REFUSED: Final[list[Any]] = [
    Plain,
    list[Plain],
    dict[str, Plain],
    dict[Plain, str],
    tuple[int, Plain],
    Plain | None,
    Page[int],
    Iterator[int],
    Callable[[], int],
    type[int],
    complex,
    OrderedDict[str, int],
    list[int] | list[Item],
    Receipt | dict[str, Item] | Address,
    Refusal | Other.Refusal,
]


@pytest.mark.parametrize("annotation", REFUSED, ids=repr)
def test_a_type_that_cannot_be_restored_is_refused_where_it_is_decorated(annotation: Any) -> None:
    refusal = "@idempotent_function: function: results of type .* cannot be restored"
    with pytest.raises(ConfigurationError, match=refusal):
        returning(None, annotation)


@dataclass
class Holder:
    plain: Plain


def test_a_class_with_a_part_that_cannot_be_restored_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Plain"):
        returning(None, list[Holder])


@pytest.mark.parametrize("annotation", ["no type", "1 +", "datetime.nothing"])
def test_an_annotation_that_is_no_type_is_refused(annotation: str) -> None:
    with pytest.raises(ConfigurationError, match="the return annotation is no type"):
        returning(None, annotation)


# Names that are defined later ---------------------------------------------------------------------


@idempotent_function(store=MemoryStore())
def early(order: Missing) -> Late:
    return Late(int(order))


@dataclass
class Late:
    order: int


ONE: Final = Decimal(1)


def test_an_annotation_may_name_what_is_defined_later() -> None:
    assert early(ONE) == early(ONE) == Late(1)


def test_an_annotation_that_is_for_type_checkers_alone_is_refused_before_the_call_runs() -> None:
    function = returning(1, "Missing")
    with pytest.raises(ConfigurationError, match="names 'Missing', which is not there"):
        function()


ELSEWHERE: Final = """
from functools import wraps
def traced(function):
    @wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper
"""


def test_under_another_decorator_the_annotation_is_read_where_it_was_written() -> None:
    names: dict[str, Any] = {}
    exec(ELSEWHERE, names)

    def charge(order: int) -> Late:
        return Late(order)

    function = idempotent_function(store=MemoryStore())(names["traced"](charge))
    assert function(1) == function(order=1) == Late(1)


def test_an_annotation_may_name_a_local_class() -> None:
    @dataclass
    class Tree:
        children: list[Tree]

    @idempotent_function(store=MemoryStore(), name="plant")
    def plant(number: int) -> Tree:
        return Tree([Tree([])])

    assert plant(1) == plant(1) == Tree([Tree([])])


# Serializers --------------------------------------------------------------------------------------

NUMBERED: Final = (lambda plain: {"n": plain.number}, lambda data: Plain(data["n"]))


@pytest.mark.parametrize("annotation", [Any, Plain, "Missing"])
def test_a_serializer_decides_whatever_the_annotation_says(annotation: Any) -> None:
    function = returning(Plain(5), annotation, serializer=NUMBERED)
    function()
    second = function()
    assert (type(second), second.number) == (Plain, 5)


def test_a_serializer_may_write_whatever_json_can_hold() -> None:
    pair = (lambda result: {1: result}, lambda data: tuple(data["1"]))
    function = returning((1, 2), Any, serializer=pair)
    assert function() == function() == (1, 2)


@pytest.mark.parametrize(
    "pair",
    [
        (str, str),
        (lambda result: {"x": str(result)}, lambda data: data["x"]),
        (lambda result: result, lambda data: data["x"]),
        (lambda result: {result}, lambda data: data),
    ],
)
def test_a_serializer_that_does_not_restore_makes_the_result_unavailable(pair: Any) -> None:
    function = returning(5, int, serializer=pair)
    assert function() == 5
    with pytest.raises(ResponseUnavailableError):
        function()


@pytest.mark.parametrize("serializer", [str, (str,), (str, 5), [str, int], (str, int, str)])
def test_what_is_no_serializer_is_refused(serializer: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"serializer is .* expected a pair of callables"):
        idempotent_function(store=MemoryStore(), serializer=serializer)


# Records of another version -----------------------------------------------------------------------


def with_record(store: MemoryStore, data: str) -> None:
    """Put other data into the only record."""
    [record] = store.records().values()
    store.put(record._replace(data=data))


@pytest.mark.parametrize("data", ["[]", "5", "null", '{"sku": "secret-4711"}', '{"price": "x"}'])
def test_a_record_of_another_type_is_unavailable_and_not_quoted(data: str) -> None:
    store = MemoryStore()
    function = returning(ITEM, Item, store=store)
    function()
    with_record(store, data)
    with pytest.raises(ResponseUnavailableError, match="Was its return type changed") as refused:
        function()
    assert "secret-4711" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_record_that_is_no_object_is_not_one_of_defaults() -> None:
    store = MemoryStore()
    function = returning(Counted(), Counted, store=store)
    function()
    with_record(store, "[]")
    with pytest.raises(ResponseUnavailableError):
        function()


def test_a_member_with_a_default_may_be_added_and_another_one_removed() -> None:
    store = MemoryStore()
    function = returning(ITEM, Item, store=store)
    function()
    with_record(store, '{"sku": "a", "price": "1.50", "weight": 5}')
    assert function() == ITEM


def test_the_record_holds_json() -> None:
    def key() -> str:
        return current().key

    store = MemoryStore()
    idempotent_function(store=store, key=lambda _: 1)(key)()
    reply = store.read(next(iter(store.records())))
    assert isinstance(reply, Conflict)
    assert isinstance(reply.record, Record)
    assert reply.record.data == f'"{reply.record.key}"'
