"""The options of `@idempotent_function`: their sources, the function's name, and refused values."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from kit.watched import WatchedStore
from lambda_idempotency import (
    ConfigurationError,
    DynamoDBStore,
    InProgressError,
    MemoryStore,
    current,
    idempotent_function,
)
from lambda_idempotency.protocol.record import Reply


def charge(order: Any) -> str:
    return current().key


def environment(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"IDEMPOTENCY_{name.upper()}", value)


# Settings -----------------------------------------------------------------------------------------


def test_options_that_are_not_given_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore
) -> None:
    environment(monkeypatch, namespace="shop", on_missing_key="bypass")
    function = idempotent_function(store=store, key="order.id")(charge)
    assert function({"id": 1}).startswith("shop#")
    assert function({}) != function({})


def test_code_wins_over_settings(monkeypatch: pytest.MonkeyPatch, store: MemoryStore) -> None:
    environment(monkeypatch, namespace="setting")
    assert idempotent_function(store=store, namespace="code")(charge)(1).startswith("code#")


def test_a_waiting_option_is_read_from_the_settings(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore, slept: list[float]
) -> None:
    environment(monkeypatch, on_in_progress="wait", wait_timeout="2")

    def lose(key: str, owner: str) -> Reply:
        return store.read(key)

    monkeypatch.setattr(store, "release", lose)

    @idempotent_function(store=store)
    def fail(order: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail(1)
    with pytest.raises(InProgressError):
        fail(1)
    assert sum(slept) == pytest.approx(2, abs=0.01)


def test_functions_without_a_store_of_their_own_share_one_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []

    class Counted(DynamoDBStore):
        def __init__(self, table_name: str, **options: Any) -> None:
            made.append(table_name)
            super().__init__(table_name, **options)

    monkeypatch.setattr("lambda_idempotency.stores.dynamodb.DynamoDBStore", Counted)
    environment(monkeypatch, table="shared-by-two", namespace="shop")
    for name in ("one", "other"):
        idempotent_function(name=name)(charge)
    assert made == ["shared-by-two"]


def test_a_shared_store_needs_a_namespace() -> None:
    with pytest.raises(ConfigurationError, match="@idempotent_function: namespace is missing"):
        idempotent_function(store=DynamoDBStore("records"))


def test_without_a_store_a_function_fails_at_once_inside_lambda(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payments")
    with pytest.raises(ConfigurationError, match="@idempotent_function: no store is configured"):
        idempotent_function(charge)


BAD: Final[list[tuple[str, Any]]] = [
    ("expires_after", 0),
    ("lease", True),
    ("wait_timeout", "5"),
    ("max_attempts", 0),
    ("on_in_progress", "block"),
    ("on_missing_key", "ignore"),
    ("fail_open", 1),
    ("namespace", "a#b"),
    ("key", "a["),
    ("key", 5),
    ("fingerprint", "a b"),
    ("name", ""),
    ("name", " "),
    ("name", 5),
    ("serializer", str),
    ("store", 5),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_senseless_option_is_named_where_the_decorator_is_applied(
    store: MemoryStore, name: str, value: Any
) -> None:
    options: dict[str, Any] = {"store": store, name: value}
    with pytest.raises(ConfigurationError, match=f"@idempotent_function: {name} is "):
        idempotent_function(**options)


def test_a_senseless_variable_is_named(monkeypatch: pytest.MonkeyPatch, store: MemoryStore) -> None:
    environment(monkeypatch, lease="soon")
    with pytest.raises(ConfigurationError, match="variable IDEMPOTENCY_LEASE: "):
        idempotent_function(store=store)


def test_a_function_without_arguments_needs_a_key(store: MemoryStore) -> None:
    class Shop:
        def close(self) -> None: ...

    for function in (lambda: None, Shop.close, Shop().close):
        with pytest.raises(ConfigurationError, match="takes no arguments"):
            idempotent_function(store=store, name="close")(function)


def test_with_a_key_it_runs_once_for_each(store: MemoryStore) -> None:
    days = ["Monday", "Monday", "Tuesday"]
    runs: list[None] = []

    @idempotent_function(store=store, key=lambda _: days.pop(0), name="close")
    def close() -> None:
        runs.append(None)

    for _ in range(3):
        close()
    assert len(runs) == 2


# Names --------------------------------------------------------------------------------------------


def test_the_name_is_a_part_of_the_key(store: MemoryStore) -> None:
    keys = {idempotent_function(store=store, name=name)(charge)(1) for name in ("a", "b")}
    assert len(keys) == 2


def test_the_name_is_that_of_the_function(store: MemoryStore) -> None:
    named = idempotent_function(store=store, name="charge")(charge)
    assert named(1) == idempotent_function(store=MemoryStore())(charge)(1)


def refund(order: Any) -> None: ...


def test_two_functions_of_one_name_are_refused_and_both_are_told(store: MemoryStore) -> None:
    idempotent_function(store=store)(charge)
    with pytest.raises(ConfigurationError, match=r"'charge'.*options\.charge.*'local'.*refund"):
        idempotent_function(store=store, name="charge")(refund)


def test_so_are_two_of_one_table_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, table="of-two-names", namespace="shop")
    idempotent_function(charge)
    with pytest.raises(ConfigurationError, match="name is 'charge'"):
        idempotent_function(name="charge")(refund)


def test_two_lambdas_of_one_name_are_refused(store: MemoryStore) -> None:
    decorate = idempotent_function(store=store, name="charge")
    decorate(lambda order: order)
    with pytest.raises(ConfigurationError, match="name is 'charge'"):
        decorate(lambda order: -order)


def test_another_namespace_may_have_the_same_name(store: MemoryStore) -> None:
    one = idempotent_function(store=store, namespace="one")(charge)
    other = idempotent_function(store=store, name="charge", namespace="other")(refund)
    assert one(1) != other(1)


def test_another_store_may_have_the_same_name() -> None:
    for function in (charge, refund):
        idempotent_function(store=MemoryStore(), name="charge")(function)


def test_a_function_may_be_decorated_twice(store: MemoryStore) -> None:
    one, other = (idempotent_function(store=store)(charge) for _ in range(2))
    assert one(1) == other(1)


def test_a_module_may_be_loaded_again(
    tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop.py").write_text(
        "from lambda_idempotency import idempotent_function\n"
        "def decorate(store):\n"
        "    @idempotent_function(store=store)\n"
        "    def charge(order: int) -> int:\n"
        "        return order\n"
        "    double = idempotent_function(store=store, name='double')(lambda order: order * 2)\n"
        "    return charge(1) + double(1)\n"
    )

    def load() -> ModuleType:
        spec = importlib.util.spec_from_file_location("shop", tmp_path / "shop.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    assert load().decorate(store) == load().decorate(store) == 3


@pytest.mark.parametrize(
    "function", [lambda order: order, type("Charge", (), {"__call__": charge})()]
)
def test_what_has_no_name_needs_one(store: MemoryStore, function: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"which has no name .* pass name="):
        idempotent_function(store=store)(function)


def test_a_store_of_the_user_s_may_have_no_attributes_of_its_own() -> None:
    store = WatchedStore(MemoryStore(), lambda verb: None)
    assert not hasattr(store, "__dict__")
    function = idempotent_function(store=store, namespace="shop")(charge)
    assert function(1) == function(1)
