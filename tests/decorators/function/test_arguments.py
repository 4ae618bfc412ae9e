"""Calls of a function that count as the same: by an expression over its arguments, or by all of
them.
"""

from __future__ import annotations

import datetime
import enum
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_idempotency import MemoryStore, MissingKeyError, current, idempotent_function

NUMBER: Final = uuid.UUID(int=1)


class Currency(enum.Enum):
    EUR = "eur"


class Level(enum.StrEnum):
    HIGH = "high"


@dataclass
class Customer:
    id: int
    names: tuple[str, ...] = ()


@dataclass
class Order:
    id: int = 7
    amount: Decimal = Decimal("1.50")
    customer: Customer = field(default_factory=lambda: Customer(1, ("Ann", "Lee")))
    currency: Currency = Currency.EUR
    level: Level = Level.HIGH
    number: uuid.UUID = NUMBER
    day: datetime.date = datetime.date(2024, 1, 2)
    session: Any = None


class Model(pydantic.BaseModel):
    id: int = 7
    order: Order = Order()
    password: pydantic.SecretStr = pydantic.SecretStr("secret-4711")


class Line(NamedTuple):
    sku: str
    pieces: int


class Session:
    """A value that JSON lacks, and that no expression may read."""

    def get(self, name: str) -> str:
        raise AssertionError("it was asked")


def key_of(store: MemoryStore | None = None, **options: Any) -> Callable[..., str]:
    """Return a function that returns the record id of its call."""

    @idempotent_function(store=MemoryStore() if store is None else store, **options)
    def charge(order: Any, amount: Any = 10, *rest: Any, note: Any = None, **more: Any) -> str:
        return current().key

    return charge


# Bound arguments ----------------------------------------------------------------------------------


@given(order=st.integers(), amount=st.integers() | st.just(10), note=st.none() | st.text())
def test_however_a_call_is_written_it_has_one_key(order: int, amount: int, note: str) -> None:
    key = key_of()
    spellings = [
        key(order, amount, note=note),
        key(order, amount=amount, note=note),
        key(amount=amount, note=note, order=order),
    ]
    if amount == 10:
        spellings += [key(order, note=note), key(note=note, order=order)]
    if note is None:
        spellings += [key(order, amount), key(amount=amount, order=order)]
    assert len(set(spellings)) == 1


@given(st.dictionaries(st.sampled_from("abc"), st.integers()))
def test_the_order_of_names_does_not_count(more: dict[str, int]) -> None:
    key = key_of()
    assert key(1, **more) == key(1, **dict(reversed(more.items())))


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((2,), {}), ((1, 11), {}), ((1,), {"note": "x"}), ((1, 10, 1), {}), ((1,), {"other": 1})],
)
def test_another_argument_is_another_key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    key = key_of()
    assert key(*args, **kwargs) != key(1)


def test_an_argument_may_be_none() -> None:
    key = key_of()
    assert key(None) == key(order=None) != key(0)


def test_variable_arguments_are_seen_under_their_names() -> None:
    key = key_of(key="[rest[0], more.trace]")
    assert key(1, 2, "a", trace="t") == key(3, 4, "a", trace="t") != key(1, 2, "b", trace="t")


# The whole of the arguments -----------------------------------------------------------------------


def test_equal_arguments_have_one_key_whatever_they_are() -> None:
    key = key_of()
    assert key(Order(), amount=Decimal(10)) == key(Order(), amount=10.0) == key(Order())


def test_a_part_of_an_argument_makes_another_key() -> None:
    key = key_of()
    assert len({key(Order()), key(Order(id=8)), key(Order(amount=Decimal("1.51")))}) == 3


def test_an_argument_that_json_does_not_have_is_named_with_what_to_do() -> None:
    with pytest.raises(MissingKeyError, match=r"all the arguments.* holds a Session"):
        key_of()(Session())


# Expressions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("order.id", {"id": 7}),
        ("order.id", Order()),
        ("order.id", Model()),
        ("order.order.customer.id", Model()),
        ("order.customer.names[1]", Order()),
        ("order.amount", Order()),
        ("order.currency", Order()),
        ("order.level", Order()),
        ("order.number", Order()),
        ("order.day", Order()),
        ("order.sku", Line("a", 1)),
        ("order[0].sku", [Line("a", 1)]),
        ("order[?pieces > `1`].sku | [0]", [Line("a", 1), Line("b", 2)]),
        ("join('-', order.customer.names)", Order()),
        ("to_string(order.id)", Order()),
        ("[order.id, amount]", Order()),
        ("{a: order.id, b: note}", Order()),
        ("order", Order()),
        ("@", {"id": 7}),
        ("*", {"id": 7}),
    ],
)
def test_an_expression_reaches_into_arguments(path: str, order: Any) -> None:
    key = key_of(key=path)
    assert key(order, note="x").startswith("local#")


@pytest.mark.parametrize(
    ("path", "selected"),
    [
        ("order.amount", Decimal("1.5")),
        ("order.currency", Currency.EUR),
        ("order.day", "2024-01-02"),
        ("order.customer", Customer(1, ("Ann", "Lee"))),
        ("to_string(order.currency)", "eur"),
        ("keys(order.customer)", ["id", "names"]),
        ("order.currency == 'eur'", True),
    ],
)
def test_what_an_expression_selects_counts_by_its_value(path: str, selected: Any) -> None:
    assert key_of(key=path)(Order()) == key_of(key=lambda _: selected)(None)


@pytest.mark.parametrize("key", ["order.id", lambda arguments: arguments["order"].id])
def test_with_a_key_the_other_arguments_may_be_anything(key: Any) -> None:
    charge = key_of(key=key)
    one, other = Order(session=Session()), Order(amount=Decimal(9))
    assert charge(one, Session(), note={1}) == charge(other)


def test_a_callable_gets_the_arguments_as_they_are() -> None:
    seen: list[Any] = []
    session = Session()

    def key(arguments: Any) -> int:
        seen.append(arguments)
        return 1

    key_of(key=key)(session, note="x")
    assert seen == [{"order": session, "amount": 10, "rest": (), "note": "x", "more": {}}]


@pytest.mark.parametrize("path", ["order.session.id", "order.session", "amount", "amount.id"])
def test_an_expression_reaches_into_nothing_that_json_does_not_have(path: str) -> None:
    with pytest.raises(MissingKeyError):
        key_of(key=path)(Order(session=Session()), Session())


def test_an_argument_that_json_does_not_have_is_no_missing_key() -> None:
    with pytest.raises(MissingKeyError, match=r"key .order.session. is unusable: it holds"):
        key_of(key="order.session", on_missing_key="bypass")(Order(session=Session()))


def test_an_argument_without_an_end_is_no_key() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for key in (None, "order", "order[0]"):
        with pytest.raises(MissingKeyError, match="nested too deeply"):
            key_of(key=key)(endless)


def test_a_secret_of_a_model_is_told_from_another_one() -> None:
    key = key_of(key="order.password")
    other = Model(password=pydantic.SecretStr("secret-4712"))
    assert key(Model()) == key(Model()) != key(other)


def test_an_argument_that_json_does_not_have_is_named_by_its_parameter() -> None:
    with pytest.raises(MissingKeyError, match=r"holds a Session.*\(argument 'note'\).*pass a key"):
        key_of()(1, note=[Session()])


def test_a_function_of_an_expression_takes_no_value_that_json_does_not_have() -> None:
    with pytest.raises(MissingKeyError, match=r"key 'to_string.*' is unusable: it holds a Session"):
        key_of(key="to_string(order.session)")(Order(session=Session()))


@pytest.mark.parametrize("key", ["order.id", lambda arguments: arguments["order"]["id"]])
@pytest.mark.parametrize("order", [{"id": None}, {"id": ""}, {}], ids=repr)
def test_a_null_or_empty_key_is_missing(key: Any, order: Any) -> None:
    with pytest.raises(MissingKeyError, match="arguments"):
        key_of(key=key)(order)


def test_an_argument_that_looks_like_an_http_request_is_none(store: MemoryStore) -> None:
    @idempotent_function(store=store, key="body")
    def send(httpMethod: str, resource: str, body: str) -> str:
        return current().key

    assert send("POST", "/", '{"a": 1}') != send("POST", "/", '{"a":1}')


# Methods ------------------------------------------------------------------------------------------


@dataclass
class Shop:
    tenant: str
    runs: int = 0

    def charge(self, order: int) -> int:
        self.runs += 1
        return self.runs


def shop_class(**options: Any) -> Any:
    return type("Decorated", (Shop,), {"charge": idempotent_function(**options)(Shop.charge)})


def test_what_a_method_is_called_on_is_no_part_of_its_key(store: MemoryStore) -> None:
    shop = shop_class(store=store)
    one, other = shop("a"), shop("b")
    assert (one.charge(1), other.charge(order=1), shop.charge(other, 1)) == (1, 1, 1)
    assert (one.runs, other.runs) == (1, 0)


class Task:
    """What is done is up to the classes that inherit it."""

    @idempotent_function(store=MemoryStore())
    def run(self, order: int) -> str:
        return type(self).__name__

    @classmethod
    @idempotent_function(store=MemoryStore())
    def run_class(cls, order: int) -> str:
        return cls.__name__


class Charge(Task):
    pass


class Ship(Task):
    pass


@pytest.mark.parametrize("name", ["run", "run_class"])
def test_a_method_that_two_classes_inherit_is_two_operations(name: str) -> None:
    for kind in (Task, Charge, Ship) * 2:
        for each in (kind(), kind()):
            assert getattr(each, name)(1) == kind.__name__


def test_an_argument_of_a_plain_function_counts_whatever_its_name(store: MemoryStore) -> None:
    @idempotent_function(store=store)
    def enroll(cls: str, student: str) -> str:
        return f"{student} in {cls}"

    assert [enroll("math", "bob"), enroll("art", "bob")] == ["bob in math", "bob in art"]


@pytest.mark.parametrize(
    "key",
    ["[self.tenant, order]", lambda arguments: [arguments["self"].tenant, arguments["order"]]],
)
def test_it_is_a_part_where_the_key_names_it(store: MemoryStore, key: Any) -> None:
    shop = shop_class(store=store, key=key)
    one, other = shop("a"), shop("b")
    assert [one.charge(1), other.charge(1), shop("a").charge(1)] == [1, 1, 1]
    assert (one.runs, other.runs) == (1, 1)


def test_a_bound_method_may_be_decorated(store: MemoryStore) -> None:
    shop = Shop("a")
    charge = idempotent_function(store=store, name="charge")(shop.charge)
    assert charge(1) == charge(order=1) == 1


class Static:
    @classmethod
    @idempotent_function(store=MemoryStore())
    def above(cls, order: int) -> list[Any]:
        return [cls.__name__, order]

    @idempotent_function(store=MemoryStore())
    @classmethod
    def below(cls, order: int) -> list[Any]:
        return [cls.__name__, order]

    @staticmethod
    @idempotent_function(store=MemoryStore())
    def above_static(order: int) -> list[Any]:
        return ["Static", order]

    @idempotent_function(store=MemoryStore())
    @staticmethod
    def below_static(order: int) -> list[Any]:
        return ["Static", order]


@pytest.mark.parametrize("name", ["above", "below", "above_static", "below_static"])
def test_class_and_static_methods_may_be_decorated_either_way(name: str) -> None:
    for owner in (Static, Static()):
        method = getattr(owner, name)
        assert method(1) == method(order=1) == ["Static", 1]
        assert method(2) == ["Static", 2]
