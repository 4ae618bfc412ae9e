"""The options of `@idempotent`: their sources, and the refusal of invalid ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from lambda_idempotency import (
    ConfigurationError,
    DynamoDBStore,
    InProgressError,
    MemoryStore,
    MissingKeyError,
    StoreError,
    current,
    idempotent,
)
from lambda_idempotency.protocol.record import Record

EVENT: Final[dict[str, Any]] = {"order_id": 7, "amount": 10}
LAMBDA: Final = "AWS_LAMBDA_FUNCTION_NAME"


class Handler:
    """A handler that returns the number of its runs."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, event: Any, context: Any) -> int:
        self.runs += 1
        return self.runs


def environment(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"IDEMPOTENCY_{name.upper()}", value)


# Settings -----------------------------------------------------------------------------------------


def test_the_bare_decorator_takes_its_settings_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment(monkeypatch, store="memory", key="order_id")
    handler = idempotent(Handler())
    assert handler(EVENT, None) == handler({**EVENT, "amount": 11}, None) == 1


def test_options_that_are_not_given_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore
) -> None:
    environment(monkeypatch, key="order_id", namespace="shop")
    handler = idempotent(store=store)(lambda event, context: current().key)
    assert handler(EVENT, None) == handler({"order_id": 7}, None)
    assert handler(EVENT, None).startswith("shop#")


@pytest.mark.parametrize(
    ("setting", "option"),
    [
        ({"key": "amount"}, {"key": "order_id"}),
        ({"fingerprint": "amount", "key": "order_id"}, {"fingerprint": "order_id"}),
        ({"key": "nothing", "on_missing_key": "reject"}, {"key": "order_id"}),
    ],
)
def test_code_wins_over_settings(
    monkeypatch: pytest.MonkeyPatch,
    store: MemoryStore,
    setting: dict[str, str],
    option: dict[str, Any],
) -> None:
    environment(monkeypatch, **setting)
    handler = idempotent(store=store, **option)(Handler())
    assert handler(EVENT, None) == handler({**EVENT, "amount": 11}, None) == 1


def test_an_option_of_false_wins_over_a_setting_of_true(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore
) -> None:
    class Down(MemoryStore):
        def claim(self, claim: Any, seen: Record | None = None) -> Any:
            raise ConnectionError

    environment(monkeypatch, fail_open="true")
    assert idempotent(store=Down())(Handler())(EVENT, None) == 1
    with pytest.raises(StoreError, match="ConnectionError"):
        idempotent(store=Down(), fail_open=False)(Handler())(EVENT, None)


def test_a_namespace_in_code_wins_over_the_setting(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore
) -> None:
    environment(monkeypatch, namespace="setting")
    handler = idempotent(store=store, namespace="code")(lambda event, context: current().key)
    assert handler(EVENT, None).startswith("code#")


def test_a_store_in_code_wins_over_the_setting(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore
) -> None:
    environment(monkeypatch, table="records", namespace="shop")
    assert idempotent(store=store)(Handler())(EVENT, None) == 1


def test_missing_keys_are_bypassed_where_the_settings_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment(monkeypatch, store="memory", key="nothing", on_missing_key="bypass")
    assert idempotent(Handler())(EVENT, None) == 1


def test_settings_are_read_where_the_decorator_is_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, store="memory")
    handler = idempotent(Handler())
    environment(monkeypatch, disabled="true", key="nothing", store="nonsense")
    assert handler(EVENT, None) == handler(EVENT, None) == 1


def test_two_handlers_with_a_memory_store_each_do_not_share_their_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment(monkeypatch, store="memory")
    one, other = Handler(), Handler()
    idempotent(one)(EVENT, None)
    idempotent(other)(EVENT, None)
    assert (one.runs, other.runs) == (1, 1)


# Switched off -------------------------------------------------------------------------------------


def test_a_disabled_handler_runs_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, disabled="true", store="memory")
    handler = idempotent(Handler())
    assert [handler(EVENT, None), handler(EVENT, None)] == [1, 2]


def test_a_disabled_handler_needs_no_store_and_no_namespace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(LAMBDA, "payments")
    environment(monkeypatch, disabled="true")
    assert idempotent(Handler())(EVENT, None) == 1


def test_a_disabled_handler_still_has_a_running_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, disabled="true")
    handler = idempotent(lambda event, context: current())
    one, other = handler(EVENT, None), handler(EVENT, None)
    assert (one.attempt, other.attempt) == (1, 1)
    assert one.downstream_key("charge") != other.downstream_key("charge")


def test_what_is_not_disabled_is_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, disabled="false", store="memory")
    handler = idempotent(Handler())
    assert handler(EVENT, None) == handler(EVENT, None) == 1


# Missing stores and namespaces --------------------------------------------------------------------


def test_without_a_store_a_handler_can_be_imported() -> None:
    assert callable(idempotent(Handler()))


@pytest.mark.parametrize("fail_open", [False, True])
def test_without_a_store_the_first_call_fails(*, fail_open: bool) -> None:
    inner = Handler()
    with pytest.raises(ConfigurationError, match="no store is configured"):
        idempotent(fail_open=fail_open)(inner)(EVENT, None)
    assert inner.runs == 0


def test_without_a_store_a_handler_fails_at_once_inside_lambda(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(LAMBDA, "payments")
    with pytest.raises(ConfigurationError, match="@idempotent: no store is configured"):
        idempotent(Handler())


def test_with_a_store_a_handler_does_not_fail_inside_lambda(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore
) -> None:
    monkeypatch.setenv(LAMBDA, "payments")
    assert idempotent(store=store)(Handler())(EVENT, None) == 1


def test_a_shared_store_needs_a_namespace() -> None:
    with pytest.raises(ConfigurationError, match="@idempotent: namespace is missing"):
        idempotent(store=DynamoDBStore("records"))


def test_a_table_in_the_settings_needs_a_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, table="records")
    with pytest.raises(ConfigurationError, match="@idempotent: namespace is missing"):
        idempotent(Handler())


def test_a_shared_store_with_a_namespace_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(idempotent(store=DynamoDBStore("records"), namespace="shop"))
    environment(monkeypatch, table="records", namespace="shop")
    assert callable(idempotent(Handler()))


# Senseless options --------------------------------------------------------------------------------

BAD: Final[list[tuple[str, Any]]] = [
    ("expires_after", 0),
    ("expires_after", -1),
    ("expires_after", True),
    ("expires_after", "1 hour"),
    ("expires_after", float("nan")),
    ("expires_after", timedelta(0)),
    ("expires_after", timedelta(seconds=-5)),
    ("lease", 0),
    ("lease", float("inf")),
    ("lease", timedelta(0)),
    ("wait_timeout", -1),
    ("wait_timeout", "5"),
    ("max_attempts", 0),
    ("max_attempts", 1.5),
    ("max_attempts", True),
    ("on_in_progress", "block"),
    ("on_missing_key", "ignore"),
    ("fail_open", "yes"),
    ("fail_open", 1),
    ("namespace", ""),
    ("namespace", "a#b"),
    ("namespace", 5),
    ("key", ""),
    ("key", "a["),
    ("key", 5),
    ("key", ["order_id", "amount"]),
    ("fingerprint", "a b"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_senseless_option_is_named_where_the_decorator_is_applied(
    store: MemoryStore, name: str, value: Any
) -> None:
    options = {"store": store, name: value}
    with pytest.raises(ConfigurationError, match=f"@idempotent: {name} is "):
        idempotent(**options)


@pytest.mark.parametrize("setting", ["store", "expires_after", "fail_open", "namespace"])
def test_a_senseless_variable_is_named_where_the_decorator_is_applied(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore, setting: str
) -> None:
    environment(monkeypatch, **{setting: "no#sense"})
    with pytest.raises(ConfigurationError, match=f"variable IDEMPOTENCY_{setting.upper()}: "):
        idempotent(store=store)


@pytest.mark.parametrize("name", ["expires_after", "lease", "wait_timeout"])
@pytest.mark.parametrize("duration", [2, 2.5, timedelta(seconds=2)])
def test_a_duration_is_seconds_or_a_timedelta(
    store: MemoryStore, name: str, duration: float | timedelta
) -> None:
    options: dict[str, Any] = {name: duration}
    assert idempotent(store=store, **options)(Handler())(EVENT, None) == 1


@pytest.mark.parametrize("handler", ["order_id", 5, {"key": "order_id"}])
def test_what_is_no_handler_is_refused(store: MemoryStore, handler: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected a handler"):
        idempotent(store=store)(handler)


def test_the_in_progress_option_is_read_from_the_settings(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore, slept: list[float]
) -> None:
    environment(monkeypatch, on_in_progress="wait", wait_timeout="2")

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> float:
        with pytest.raises(InProgressError):
            handler(event, context)
        return sum(slept)

    assert handler(EVENT, None) == pytest.approx(2, abs=0.01)


def test_a_missing_key_is_rejected_unless_told_otherwise(store: MemoryStore) -> None:
    with pytest.raises(MissingKeyError):
        idempotent(store=store, key="nothing")(Handler())(EVENT, None)
