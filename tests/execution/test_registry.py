"""The names of operations: unique for each store, namespace and process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from kit.watched import WatchedStore
from lambda_idempotency import ConfigurationError, DynamoDBStore, MemoryStore, idempotent_function
from lambda_idempotency.execution import registry
from lambda_idempotency.execution.definition import Definition
from lambda_idempotency.execution.registry import register
from lambda_idempotency.stores.base import Store


def charge(order: Any) -> str:
    return f"charge {order}"


def refund(order: Any) -> str:
    return f"refund {order}"


def test_a_name_that_is_taken_is_refused_and_both_places_are_told(store: MemoryStore) -> None:
    register(store, "shop", "charge", Definition.of(charge))
    with pytest.raises(ConfigurationError) as caught:
        register(store, "shop", "charge", Definition.of(refund))
    one, other = (f"(test_registry.py:{each.__code__.co_firstlineno})" for each in (charge, refund))
    assert str(caught.value) == (
        f"name is 'charge', which is taken by {__name__}.charge {one} in the namespace 'shop'; "
        f"give {__name__}.refund {other} another name: pass name=..."
    )


def test_the_same_function_may_take_its_name_again(store: MemoryStore) -> None:
    for _ in range(2):
        register(store, "shop", "charge", Definition.of(charge))


def test_what_surrounds_an_operation_is_not_asked_whether_it_is_equal(store: MemoryStore) -> None:
    class Hostile:
        def __eq__(self, other: object) -> bool:
            raise AssertionError("it was asked")

        __hash__ = None  # type: ignore[assignment]

    register(store, "shop", "charge", Definition.of(partial(charge, Hostile())))
    with pytest.raises(ConfigurationError):
        register(store, "shop", "charge", Definition.of(partial(charge, Hostile())))


def test_a_function_that_captures_itself_may_take_its_name_again(store: MemoryStore) -> None:
    def make() -> Any:
        def countdown(number: int) -> int:
            return countdown(number - 1) if number else number

        return countdown

    for _ in range(2):
        register(store, "shop", "countdown", Definition.of(make()))


@pytest.mark.parametrize(("namespace", "operation"), [("other", "charge"), ("shop", "other")])
def test_another_namespace_and_another_name_are_free(
    store: MemoryStore, namespace: str, operation: str
) -> None:
    register(store, "shop", "charge", Definition.of(charge))
    register(store, namespace, operation, Definition.of(refund))


def test_a_name_that_was_forgotten_is_free(store: MemoryStore) -> None:
    register(store, "shop", "charge", Definition.of(charge))
    registry.clear()
    register(store, "shop", "charge", Definition.of(refund))


def _same_table() -> tuple[Store, Store]:
    return DynamoDBStore("records"), DynamoDBStore("records")


def _same_store_without_attributes() -> tuple[Store, Store]:
    store = MemoryStore()
    return WatchedStore(store, print), WatchedStore(store, print)


@pytest.mark.parametrize("stores", [_same_table, _same_store_without_attributes])
def test_two_functions_of_one_name_on_two_objects_for_the_same_records_are_refused(
    stores: Any,
) -> None:
    one, other = stores()
    assert not hasattr(one, "__dict__") or isinstance(one, DynamoDBStore)
    idempotent_function(store=one, namespace="shop", name="pay")(charge)
    with pytest.raises(ConfigurationError, match=r"'pay'.*test_registry\.charge.*refund"):
        idempotent_function(store=other, namespace="shop", name="pay")(refund)


def test_two_functions_of_one_name_on_two_tables_are_not() -> None:
    for table, function in {"one": charge, "two": refund}.items():
        idempotent_function(store=DynamoDBStore(table), namespace="shop", name="pay")(function)


def test_of_many_threads_one_gets_the_name(store: MemoryStore) -> None:
    start = Barrier(8)

    def take(number: int) -> bool:
        start.wait()
        try:
            register(store, "shop", "charge", Definition.of(charge, key=str(number)))
        except ConfigurationError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1
