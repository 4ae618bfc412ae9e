"""`@idempotent_function`: the function runs once for each key; later calls get the result."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Final, TypeAlias, assert_type

import pytest

from kit.clocks import ManualClock
from lambda_idempotency import (
    ConfigurationError,
    FingerprintMismatchError,
    MemoryStore,
    MissingKeyError,
    ResponseUnavailableError,
    StoreError,
    current,
    idempotent,
    idempotent_function,
)
from lambda_idempotency.protocol.record import Claim, Record, Reply

Decorate: TypeAlias = Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]

ORDER: Final[dict[str, Any]] = {"id": 7, "amount": 10}


@pytest.fixture(params=["sync", "async"])
def once(request: pytest.FixtureRequest, store: MemoryStore) -> Decorate:
    """Return `@idempotent_function`, for a function or for an async one that does the same."""

    def configured(**options: Any) -> Any:
        decorator = idempotent_function(**{"store": store, "name": "charge", **options})

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            if request.param == "sync":
                return decorator(function)

            @wraps(function)
            async def asynchronous(*args: Any, **kwargs: Any) -> Any:
                await asyncio.sleep(0)
                return function(*args, **kwargs)

            decorated = decorator(asynchronous)
            return lambda *args, **kwargs: asyncio.run(decorated(*args, **kwargs))

        return decorate

    return configured


class Count:
    """A handler that returns the number of its runs, or the given answer."""

    def __init__(self, *answer: Any) -> None:
        self.runs = 0
        self._answer = answer

    def charge(self, order: Any, note: str = "") -> Any:
        self.runs += 1
        return self._answer[0] if self._answer else self.runs


def test_a_later_call_gets_the_first_result(once: Decorate) -> None:
    charge = once()(Count().charge)
    assert [charge(ORDER), charge(ORDER), charge({**ORDER, "id": 8})] == [1, 1, 2]


def test_the_function_runs_once(once: Decorate) -> None:
    count = Count()
    charge = once()(count.charge)
    for _ in range(3):
        charge(ORDER)
    assert count.runs == 1


@pytest.mark.parametrize("result", [None, 0, "", [], {}, False, 0.0], ids=repr)
def test_a_falsy_result_is_a_result(once: Decorate, result: Any) -> None:
    count = Count(result)
    charge = once()(count.charge)
    assert repr(charge(ORDER)) == repr(charge(ORDER)) == repr(result)
    assert count.runs == 1


def test_the_function_gets_its_arguments_as_they_are(once: Decorate) -> None:
    @once(key="order.id")
    def same(order: Any, *, note: Any = None) -> bool:
        return order is ORDER and note is ORDER

    assert same(ORDER, note=ORDER) is True


def test_an_argument_is_not_changed_by_looking_at_it(once: Decorate) -> None:
    order = {"id": 7, "lines": [{"price": 1.0}], "day": object}
    once(key="order.lines[0].price")(Count().charge)(order)
    assert order == {"id": 7, "lines": [{"price": 1.0}], "day": object}


def test_the_caller_gets_the_very_result(once: Decorate) -> None:
    result = {"lines": [1, 2]}
    assert once()(Count(result).charge)(ORDER) is result


def test_a_replay_is_not_changed_by_what_callers_do_to_earlier_ones(once: Decorate) -> None:
    charge = once()(Count({"lines": [1]}).charge)
    for _ in range(2):
        charge(ORDER)["lines"].append(2)
    assert charge(ORDER) == {"lines": [1]}


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()], ids=repr)
def test_a_function_that_raises_has_released_its_key(once: Decorate, error: BaseException) -> None:
    errors = [error]

    @once()
    def fail_once(order: Any) -> int:
        if errors:
            raise errors.pop()
        return current().attempt

    with pytest.raises(type(error)):
        fail_once(ORDER)
    assert fail_once(ORDER) == 1


def test_a_missing_key_is_rejected(once: Decorate) -> None:
    count = Count()
    with pytest.raises(MissingKeyError, match="missing from the arguments"):
        once(key="order.number")(count.charge)(ORDER)
    assert count.runs == 0


def test_a_missing_key_may_be_bypassed(once: Decorate) -> None:
    charge = once(key="order.number", on_missing_key="bypass")(Count().charge)
    assert [charge(ORDER), charge(ORDER)] == [1, 2]


def test_a_call_without_a_key_has_an_attempt_of_its_own(once: Decorate) -> None:
    @once(key="order.number", on_missing_key="bypass")
    def key(order: Any) -> str:
        return current().key

    assert key(ORDER) != key(ORDER)


def test_an_unusable_key_is_not_bypassed(once: Decorate) -> None:
    charge = once(key=lambda _: object(), on_missing_key="bypass")(Count().charge)
    with pytest.raises(MissingKeyError, match="unusable"):
        charge(ORDER)


def test_a_key_with_another_payload_is_refused(once: Decorate) -> None:
    charge = once(key="order.id", fingerprint="order.amount")(Count().charge)
    charge(ORDER)
    with pytest.raises(FingerprintMismatchError):
        charge({**ORDER, "amount": 11})


def test_a_key_with_the_same_payload_is_a_duplicate(once: Decorate) -> None:
    charge = once(key="order.id", fingerprint="order.amount")(Count().charge)
    assert charge(ORDER) == charge({**ORDER, "trace": "x"}) == 1


def test_an_expired_result_is_not_replayed(once: Decorate, clock: ManualClock) -> None:
    charge = once(expires_after=3600)(Count().charge)
    charge(ORDER)
    clock.advance(3599)
    assert charge(ORDER) == 1
    clock.advance(1)
    assert charge(ORDER) == 2


class Down(MemoryStore):
    """A store that claims cannot reach."""

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        raise ConnectionError


def test_a_store_that_cannot_be_reached_fails_the_call(once: Decorate) -> None:
    count = Count()
    with pytest.raises(StoreError):
        once(store=Down())(count.charge)(ORDER)
    assert count.runs == 0


def test_a_function_may_run_although_the_store_cannot_be_reached(once: Decorate) -> None:
    assert once(store=Down(), fail_open=True)(Count().charge)(ORDER) == 1


def test_a_dead_attempt_is_taken_over(once: Decorate, clock: ManualClock) -> None:
    class Killed(MemoryStore):
        """A store that loses its releases, like those of a worker that is killed."""

        def release(self, key: str, owner: str) -> Reply:
            return self.read(key)

    errors = [ValueError("x")]

    @once(store=Killed(clock), lease=10)
    def fail_once(order: Any) -> int:
        if errors:
            raise errors.pop()
        return current().attempt

    with pytest.raises(ValueError, match="x"):
        fail_once(ORDER)
    clock.advance(10)
    assert fail_once(ORDER) == 2


def test_a_disabled_function_runs_every_time(
    monkeypatch: pytest.MonkeyPatch, once: Decorate
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_DISABLED", "true")
    charge = once()(Count().charge)
    assert [charge(ORDER), charge(ORDER)] == [1, 2]


def test_without_a_store_a_function_fails_at_its_first_call(once: Decorate) -> None:
    charge = once(store=None)(Count().charge)
    with pytest.raises(ConfigurationError, match="no store is configured"):
        charge(ORDER)


def test_a_missing_argument_is_the_error_that_it_is(once: Decorate) -> None:
    with pytest.raises(TypeError, match="order"):
        once()(Count().charge)()


# What is decorated --------------------------------------------------------------------------------


def test_the_wrapper_looks_like_the_function(store: MemoryStore) -> None:
    @idempotent_function(store=store)
    def pay(order: int, *, note: str = "") -> int:
        """Pays."""
        return order

    assert (pay.__name__, pay.__doc__) == ("pay", "Pays.")
    assert str(inspect.signature(pay)) == "(order: 'int', *, note: 'str' = '') -> 'int'"
    assert not inspect.iscoroutinefunction(pay)


def test_an_async_function_stays_async(store: MemoryStore) -> None:
    @idempotent_function(store=store)
    async def pay(order: int) -> int:
        return order

    assert inspect.iscoroutinefunction(pay)


def test_a_type_checker_sees_the_function_as_it_is(store: MemoryStore) -> None:
    class Shop:
        @idempotent_function(store=store)
        def pay(self, order: int, *, note: str = "") -> list[int]:
            return [order]

        @idempotent_function(store=store)
        async def refund(self, order: int) -> str:
            return str(order)

    assert_type(Shop().pay(1, note="x"), list[int])
    assert_type(asyncio.run(Shop().refund(1)), str)


def test_the_bare_decorator_takes_its_settings_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_STORE", "memory")

    @idempotent_function
    def pay(order: int, runs: list[int] = []) -> int:  # noqa: B006 - it counts
        runs.append(order)
        return len(runs)

    assert pay(1) == 1


def test_a_partial_is_a_function(store: MemoryStore) -> None:
    charge = idempotent_function(store=store, name="charge")(partial(Count().charge, note="x"))
    assert charge(ORDER) == charge(order=ORDER) == 1


def test_a_callable_object_is_a_function(store: MemoryStore) -> None:
    class Charge:
        runs = 0

        def __call__(self, order: Any) -> int:
            self.runs += 1
            return self.runs

    charge = idempotent_function(store=store, name="charge")(Charge())
    assert charge(ORDER) == charge(order=ORDER) == 1


def test_an_object_whose_call_is_async_is_an_async_function(store: MemoryStore) -> None:
    class Charge:
        async def __call__(self, order: Any) -> int:
            return len(order)

    charge = idempotent_function(store=store, name="charge")(Charge())
    assert inspect.iscoroutinefunction(charge)
    assert asyncio.run(charge(ORDER)) == 2


def generator(order: Any) -> Any:
    yield order


async def async_generator(order: Any) -> Any:
    yield order


class Generates:
    def __call__(self, order: Any) -> Any:
        yield order


@pytest.mark.parametrize("function", [generator, async_generator, partial(generator), Generates()])
def test_a_generator_is_refused(store: MemoryStore, function: Any) -> None:
    with pytest.raises(ConfigurationError, match="applied to the generator"):
        idempotent_function(store=store, name="charge")(function)


@pytest.mark.parametrize("function", ["order.id", 5, {"key": "id"}, Count], ids=repr)
def test_what_is_no_function_is_refused(store: MemoryStore, function: Any) -> None:
    with pytest.raises(ConfigurationError, match="@idempotent_function: applied to a"):
        idempotent_function(store=store)(function)


def test_a_function_whose_parameters_are_unknown_is_refused(store: MemoryStore) -> None:
    with pytest.raises(ConfigurationError, match="parameters are not known"):
        idempotent_function(store=store)(max)


async def coroutine(order: Any) -> None: ...


@pytest.mark.parametrize("function", [generator, async_generator, coroutine])
def test_what_would_run_after_its_record_does_not_run(store: MemoryStore, function: Any) -> None:
    @idempotent_function(store=store, name="charge")
    def charge(order: Any):  # type: ignore[no-untyped-def]  # it cannot be told beforehand
        return function(order)

    for _ in range(2):  # the key is released
        with pytest.raises(ConfigurationError, match="nobody would run under its record"):
            charge(ORDER)


# Beside a handler ---------------------------------------------------------------------------------


def _charge(order: Any) -> str:
    return "function"


def test_a_handler_and_a_function_in_one_namespace_share_no_record(store: MemoryStore) -> None:
    charge = idempotent_function(store=store, key="order.id")(_charge)
    handler = idempotent(store=store, key="id")(lambda event, context: "handler")
    assert (handler(ORDER, None), charge(ORDER)) == ("handler", "function")


def test_two_functions_in_one_namespace_share_no_record(store: MemoryStore) -> None:
    def refund(order: Any) -> str:
        return "refund"

    one = idempotent_function(store=store, key="order.id", name="charge")(Count("charge").charge)
    other = idempotent_function(store=store, key="order.id")(refund)
    assert (one(ORDER), other(ORDER)) == ("charge", "refund")


def test_a_key_of_the_settings_is_for_handlers(
    monkeypatch: pytest.MonkeyPatch, once: Decorate
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_KEY", "nothing")
    monkeypatch.setenv("IDEMPOTENCY_FINGERPRINT", "nothing")
    charge = once()(Count().charge)
    assert charge(ORDER) == charge(ORDER) == 1


def test_a_result_that_cannot_be_recorded_never_makes_a_later_call_run(once: Decorate) -> None:
    count = Count(object())
    charge = once()(count.charge)
    charge(ORDER)
    with pytest.raises(ResponseUnavailableError):
        charge(ORDER)
    assert count.runs == 1
