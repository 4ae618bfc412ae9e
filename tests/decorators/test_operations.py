"""Handlers and functions of one process are told apart, whatever they are made of."""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Callable, Iterator
from functools import partial, update_wrapper, wraps
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from aws_lambda_powertools.utilities.parser import BaseModel, event_parser

from kit.batches import batch, sqs
from lambda_idempotency import (
    ConfigurationError,
    DynamoDBStore,
    MemoryStore,
    idempotent,
    idempotent_function,
    idempotent_records,
)

EVENT: Final = {"order_id": 1}
DECORATORS: Final = [idempotent, idempotent_records, idempotent_function]
each_decorator = pytest.mark.parametrize("decorator", DECORATORS, ids=lambda each: each.__name__)


def create(event: Any, context: Any = None) -> str:
    return "created"


def cancel(event: Any, context: Any = None) -> str:
    return "cancelled"


def _factory(answer: str) -> Callable[..., str]:
    def handler(event: Any, context: Any = None) -> str:
        return answer

    return handler


class Order(BaseModel):
    order_id: int


class Service:
    def __init__(self, answer: str) -> None:
        self.answer = answer

    def handle(self, event: Any, context: Any = None) -> str:
        return self.answer

    def __call__(self, event: Any, context: Any = None) -> str:
        return self.answer


def _undressed(handler: Callable[..., str]) -> Callable[..., str]:
    """Decorate without functools.wraps."""

    def wrapper(event: Any, context: Any = None) -> str:
        return handler(event, context)

    return wrapper


def _dressed(handler: Callable[..., str]) -> Callable[..., str]:
    @wraps(handler)
    def wrapper(*given: Any) -> str:
        return handler(*given)

    return wrapper


def _answering(answer: str, event: Any, context: Any = None) -> str:
    return answer


def _answering_by_name(event: Any, context: Any = None, *, answer: str) -> str:
    return answer


# Two handlers of one function ---------------------------------------------------------------------


def test_two_handlers_with_equal_keys_are_two_operations(store: MemoryStore) -> None:
    one, other = (idempotent(store=store, key="order_id")(each) for each in (create, cancel))
    for _ in range(2):
        assert (one(EVENT, None), other(EVENT, None)) == ("created", "cancelled")


def test_one_decorator_for_two_handlers_keeps_them_apart(store: MemoryStore) -> None:
    protect = idempotent(store=store, key="order_id")
    one, other = protect(create), protect(cancel)
    assert (one(EVENT, None), other(EVENT, None)) == ("created", "cancelled")


def test_two_handlers_of_records_are_two_operations(store: MemoryStore) -> None:
    runs: list[str] = []

    def ship(record: Any, context: Any) -> None:
        runs.append("shipped")

    def bill(record: Any, context: Any) -> None:
        runs.append("billed")

    for each in (ship, bill):
        idempotent_records(store=store)(each)(batch(sqs("1")), None)
    assert runs == ["shipped", "billed"]


def test_a_handler_and_a_function_of_one_name_are_refused(store: MemoryStore) -> None:
    idempotent(store=store)(create)
    with pytest.raises(ConfigurationError, match=r"^@idempotent_function: name is 'create', whi"):
        idempotent_function(store=store, name="create")(cancel)


@each_decorator
def test_a_second_one_of_the_same_name_is_told_both_places_and_what_to_do(
    store: MemoryStore, decorator: Any
) -> None:
    decorator(store=store, name="orders", key="order_id")(create)
    with pytest.raises(ConfigurationError) as caught:
        decorator(store=store, name="orders", key="order_id")(cancel)
    text = str(caught.value)
    assert text.startswith(f"@{decorator.__name__}: name is 'orders', which is taken by ")
    lines = [each.__code__.co_firstlineno for each in (create, cancel)]
    assert all(f"test_operations.py:{line})" in text for line in lines)
    assert text.endswith("another name: pass name=...")


@pytest.mark.parametrize("option", [{"name": ""}, {"name": 5}])
@each_decorator
def test_a_name_that_is_no_text_is_refused(
    store: MemoryStore, decorator: Any, option: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match=f"@{decorator.__name__}: name is .* expected a"):
        decorator(store=store, **option)


# What may take its name again ---------------------------------------------------------------------


def test_a_handler_with_a_name_may_be_decorated_for_each_request(store: MemoryStore) -> None:
    def outer(answer: list[str]) -> Any:
        @idempotent(store=store, name="inner")
        def inner(event: Any, context: Any) -> str:
            return answer[0]

        return inner(EVENT, None)

    assert [outer(["first"]), outer(["second"])] == ["first", "first"]


MODULE: Final = """
import operator
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser import BaseModel, event_parser
from lambda_idempotency import DynamoDBStore, idempotent, idempotent_function

STORE = DynamoDBStore("records")
logger, metrics = Logger("shop"), Metrics("shop")

class Order(BaseModel):
    id: str

class Service:
    def __call__(self, event, context): ...

def undressed(function):
    def wrapper(event, context):
        return function(event, context)
    return wrapper

@idempotent(store=STORE, namespace="shop", key=lambda event: event["id"])
@undressed
def handler(event, context): ...

@event_parser(model=Order)
@idempotent(store=STORE, namespace="shop", key=operator.itemgetter("id"))
@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
@event_parser(model=Order)
def parsed(event, context): ...

service = idempotent(store=STORE, namespace="shop")(Service())

@idempotent_function(store=STORE, namespace="shop")
@logger.inject_lambda_context
def charge(order): ...
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Return the module above, as its file's folder would import it."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "shop_module.py").write_text(MODULE)
    for folder in (tmp_path, tmp_path / "src"):
        monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield importlib.import_module("shop_module")
    for name in {"src", "src.shop_module", "shop_module"} - before:
        sys.modules.pop(name, None)


def test_a_module_may_be_reloaded(shop: ModuleType) -> None:
    importlib.reload(shop)


def test_a_file_may_be_imported_under_two_names_and_run(shop: ModuleType) -> None:
    importlib.import_module("src.shop_module")
    assert shop.__file__ is not None
    runpy.run_path(shop.__file__, run_name="__main__")


def test_a_module_that_runs_again_does_not_take_another_value_for_the_same(tmp_path: Path) -> None:
    """Two tenants' copies of one file, say."""
    tenant = tmp_path / "tenant.py"
    tenant.write_text("handler = decorate(make(answer))")
    names = {"decorate": idempotent(store=MemoryStore()), "make": _factory}
    runpy.run_path(str(tenant), {**names, "answer": "a"})
    with pytest.raises(ConfigurationError, match="other values around it"):
        runpy.run_path(str(tenant), {**names, "answer": "b"})


def test_a_handler_under_powertools_may_be_decorated_for_each_request(store: MemoryStore) -> None:
    answers = [
        idempotent(store=store)(event_parser(model=Order)(create))(EVENT, None) for _ in range(2)
    ]
    assert answers == ["created", "created"]


@pytest.mark.parametrize("other", [{"namespace": "other"}, {"store": MemoryStore()}])
def test_another_namespace_or_store_may_have_the_same_handler_and_name(
    store: MemoryStore, other: dict[str, Any]
) -> None:
    first: dict[str, Any] = {"store": store, "namespace": "shop"}
    one = idempotent(name="orders", **first)(create)
    two = idempotent(name="orders", **{**first, **other})(cancel)
    assert (one(EVENT, None), two(EVENT, None)) == ("created", "cancelled")


# Siblings from one place --------------------------------------------------------------------------

ALIKE: Final[dict[str, Callable[[str], Callable[..., str]]]] = {
    "closures of a factory": _factory,
    "methods of two objects": lambda answer: Service(answer).handle,
    "objects of a class": Service,
    "partials of a function": lambda answer: partial(_answering, answer),
    "partials by name": lambda answer: partial(_answering_by_name, answer=answer),
    "a decorator without functools.wraps": lambda answer: _undressed(
        {"a": create, "b": cancel}[answer]
    ),
    "closures behind functools.wraps": lambda answer: _dressed(_factory(answer)),
}
alike = pytest.mark.parametrize("make", ALIKE.values(), ids=ALIKE.keys())


@alike
def test_two_handlers_from_one_place_are_refused(store: MemoryStore, make: Any) -> None:
    idempotent(store=store, key="order_id")(make("a"))
    with pytest.raises(ConfigurationError, match=r"^@idempotent: name is .* pass name=\.\.\., ano"):
        idempotent(store=store, key="order_id")(make("b"))


@alike
def test_a_function_with_something_from_around_it_needs_a_name(
    store: MemoryStore, make: Any
) -> None:
    with pytest.raises(ConfigurationError, match=r"(?i)@idempotent_function: .*pass name=\.\.\."):
        idempotent_function(store=store)(make("a"))


def _bank(answer: str) -> Callable[..., str]:
    """Decorate one function with what a bank adds to it."""

    @wraps(create)
    def wrapper(*given: Any) -> str:
        return f"{answer}: {create(*given)}"

    return wrapper


def _bank_async(answer: str) -> Callable[..., Any]:
    @wraps(create)
    async def wrapper(*given: Any) -> str:
        return f"{answer}: {create(*given)}"

    return wrapper


def _with_default(answer: str) -> Callable[..., str]:
    def handler(event: Any, context: Any = None, bank: str = answer) -> str:
        return bank

    return handler


def _with_keyword_default(answer: str) -> Callable[..., str]:
    def handler(event: Any, context: Any = None, *, bank: str = answer) -> str:
        return bank

    return handler


def _from_folder(answer: str) -> Any:
    """Return the handler of one of two files of one name."""
    names: dict[str, Any] = {"__name__": "handler"}
    source = "def handler(event, context=None): return 'answer'"
    exec(compile(source, f"/{answer}/handler.py", "exec"), names)
    return names["handler"]


HIDDEN: Final[dict[str, Callable[[str], Callable[..., Any]]]] = {
    "one function behind two decorators of a factory": _bank,
    "the same, async": _bank_async,
    "one function behind different decorators": {"a": create, "b": _dressed(create)}.__getitem__,
    "partials that are wrappers": lambda answer: update_wrapper(
        partial(_answering, answer), create
    ),
    "objects that are wrappers": lambda answer: update_wrapper(Service(answer), create),
    "defaults": _with_default,
    "keyword defaults": _with_keyword_default,
    "functions that a captured function captures": lambda answer: _undressed(_factory(answer)),
    "files of one name in two folders": _from_folder,
}


@each_decorator
@pytest.mark.parametrize("make", HIDDEN.values(), ids=HIDDEN.keys())
def test_what_hides_behind_a_decorator_or_a_default_tells_two_apart(
    store: MemoryStore, decorator: Any, make: Any
) -> None:
    first, second = make("a"), make("b")
    with pytest.raises(ConfigurationError, match=r"(?i)pass name=\.\.\."):  # noqa: PT012
        decorator(store=store, key="order_id")(first)
        decorator(store=store, key="order_id")(second)


def test_a_value_that_a_loop_rebinds_tells_two_apart(store: MemoryStore) -> None:
    protect = idempotent(store=store, key="order_id")
    with pytest.raises(ConfigurationError, match="other values around it"):  # noqa: PT012
        for bank in "ab":

            @protect
            def pay(event: Any, context: Any) -> str:
                return bank  # noqa: B023 - it is what is tested


def _key_of(field: str) -> Callable[[Any], Any]:
    return lambda event: event[field]


KEYS: Final[dict[str, Callable[[str], Callable[[Any], Any]]]] = {
    "closures": _key_of,
    "defaults": lambda field: lambda event, name=field: event[name],  # type: ignore[misc]
    "partials": lambda field: partial(dict.get, {}, field),
    "itemgetters": itemgetter,
}


@pytest.mark.parametrize("make", KEYS.values(), ids=KEYS.keys())
def test_one_handler_by_two_keys_of_one_place_is_two_operations(
    store: MemoryStore, make: Any
) -> None:
    for _ in range(2):
        idempotent(store=store, key=make("order_id"))(create)
    with pytest.raises(ConfigurationError, match="with another key"):
        idempotent(store=store, key=make("customer_id"))(create)


@alike
def test_with_names_they_are_two_operations(store: MemoryStore, make: Any) -> None:
    answers = []
    for name in "ab":
        charge = idempotent_function(store=store, key="event", name=name)(make(name))
        handler = idempotent(store=store, key="order_id", name=f"handler {name}")(make(name))
        answers += [(charge(EVENT), handler(EVENT, None)) for _ in range(2)]
    assert answers[0] == answers[1] != answers[2] == answers[3]


def test_the_refusal_names_what_it_has_from_around_it(store: MemoryStore) -> None:
    with pytest.raises(
        ConfigurationError, match="applied to handler, which has answer from around"
    ):
        idempotent_function(store=store)(_factory("a"))


def test_lambdas_in_one_line_are_two(store: MemoryStore) -> None:
    one, other = lambda event, context: 1, lambda event, context: 2
    idempotent(store=store)(one)
    with pytest.raises(ConfigurationError, match="name is '<lambda>'"):
        idempotent(store=store)(other)


def test_one_handler_by_two_keys_is_two_operations(store: MemoryStore) -> None:
    idempotent(store=store, key="order_id")(create)
    with pytest.raises(ConfigurationError, match="with another key, other code or other values"):
        idempotent(store=store, key="customer_id")(create)


def test_a_decorator_with_functools_wraps_changes_no_operation(store: MemoryStore) -> None:
    charge = idempotent_function(store=store)(_dressed(create))
    assert (charge(EVENT), idempotent_function(store=store)(_dressed(create))(EVENT)) == (
        "created",
        "created",
    )


def test_a_method_that_calls_super_needs_no_name(store: MemoryStore) -> None:
    class Special(Service):
        @idempotent_function(store=store)
        def handle(self, event: Any, context: Any = None) -> str:
            return super().handle(event, context)

    assert Special("special").handle(EVENT) == "special"


def test_methods_of_one_name_in_two_classes_are_refused(store: MemoryStore) -> None:
    class One:
        @idempotent_function(store=store)
        def pay(self, order: int) -> None: ...

    with pytest.raises(ConfigurationError, match=r"One\.pay.*Other\.pay"):

        class Other:
            @idempotent_function(store=store)
            def pay(self, order: int) -> None: ...


def test_two_objects_for_one_table_are_one_store() -> None:
    idempotent(store=DynamoDBStore("records"), namespace="shop", name="orders")(create)
    with pytest.raises(ConfigurationError, match="taken by"):
        idempotent(store=DynamoDBStore("records"), namespace="shop", name="orders")(cancel)
