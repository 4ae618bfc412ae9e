"""Functions inside handlers and inside one another: attempts, leases, self-calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final

import pytest

from kit.clocks import ManualClock
from lambda_idempotency import (
    ConfigurationError,
    InProgressError,
    MemoryStore,
    current,
    idempotent,
    idempotent_function,
)
from lambda_idempotency.contract.lease import LONGEST_MS
from lambda_idempotency.protocol.record import Conflict

EVENT: Final[dict[str, Any]] = {"order": 7}
LEASE: Final = "IDEMPOTENCY_LEASE"


class Context:
    """A Lambda context."""

    def __init__(self, remaining: int) -> None:
        self._remaining = remaining

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining


# The running attempt ------------------------------------------------------------------------------


def test_inside_a_function_the_attempt_is_its_own_and_then_the_outer_one_again(
    store: MemoryStore,
) -> None:
    @idempotent_function(store=store)
    def charge(order: int) -> str:
        return current().key

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> list[str]:
        return [current().key, charge(1), current().key, charge(1), current().key]

    outer, inner, *rest = handler(EVENT, None)
    assert outer != inner
    assert rest == [outer, inner, outer]


def test_the_outer_attempt_is_back_after_an_inner_one_that_raised(store: MemoryStore) -> None:
    @idempotent_function(store=store)
    def fail(order: int) -> None:
        raise ZeroDivisionError

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> bool:
        before = current()
        with pytest.raises(ZeroDivisionError):
            fail(1)
        return current() == before

    assert handler(EVENT, None)


def test_attempts_on_one_loop_do_not_mix(store: MemoryStore) -> None:
    @idempotent_function(store=store)
    async def charge(order: int) -> bool:
        before = current()
        await asyncio.sleep(0)
        return current() == before

    async def main() -> list[bool]:
        return await asyncio.gather(*map(charge, range(20)))

    assert all(asyncio.run(main()))


def test_after_a_call_there_is_no_running_attempt(store: MemoryStore) -> None:
    idempotent_function(store=store, name="charge")(lambda order: order)(1)
    with pytest.raises(ConfigurationError):
        current()


def test_a_call_may_be_closed_from_outside_of_its_context(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_DISABLED", "true")  # nothing but the attempt

    @idempotent_function(store=store)
    async def charge(order: int) -> None:
        await asyncio.sleep(0)

    call = charge(1)
    copy_context().run(call.send, None)
    call.close()
    with pytest.raises(ConfigurationError):
        current()


# Inside itself ------------------------------------------------------------------------------------

INSIDE: Final = "was called inside itself with the same key"


@pytest.mark.parametrize("options", [{}, {"on_in_progress": "wait"}, {"fail_open": True}])
def test_a_call_inside_itself_is_refused_at_once(
    store: MemoryStore, slept: list[float], options: dict[str, Any]
) -> None:
    @idempotent_function(store=store, **options, name="charge")
    def charge(order: int) -> str:
        with pytest.raises(ConfigurationError, match=INSIDE):
            charge(order)
        return "ran"

    assert charge(1) == "ran"
    assert slept == []


def test_at_any_depth(store: MemoryStore) -> None:
    @idempotent_function(store=store, name="charge")
    def charge(order: int) -> str:
        return refund(order)

    @idempotent_function(store=store, name="refund")
    def refund(order: int) -> str:
        with pytest.raises(ConfigurationError, match=INSIDE):
            charge(order)
        return "ran"

    assert charge(1) == "ran"


def test_a_call_inside_itself_with_another_key_runs(store: MemoryStore) -> None:
    @idempotent_function(store=store, name="factorial")
    def factorial(number: int) -> int:
        return number * factorial(number - 1) if number else 1

    assert factorial(5) == factorial(5) == 120


def test_another_operation_with_the_same_key_runs_inside(store: MemoryStore) -> None:
    @idempotent_function(store=store, name="charge")
    def charge(order: int) -> list[str]:
        return ["charged", notify(order)]

    @idempotent_function(store=store, name="notify")
    def notify(order: int) -> str:
        return "notified"

    assert charge(1) == ["charged", "notified"]


def test_a_call_after_it_is_a_replay(store: MemoryStore) -> None:
    @idempotent_function(store=store)
    def charge(order: int) -> int:
        return order

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> list[int]:
        return [charge(1), charge(1)]

    assert handler(EVENT, None) == [1, 1]


def test_the_refusal_shows_no_key(store: MemoryStore) -> None:
    @idempotent_function(store=store, name="charge")
    def charge(order: str) -> str:
        with pytest.raises(ConfigurationError) as refused:
            charge(order)
        return str(refused.value)

    assert "secret-4711" not in charge("secret-4711")


def test_an_async_call_inside_itself_is_refused_in_tasks_too(store: MemoryStore) -> None:
    @idempotent_function(store=store, on_in_progress="wait", name="charge")
    async def charge(order: int) -> str:
        for inner in (charge(order), asyncio.create_task(charge(order))):
            with pytest.raises(ConfigurationError, match=INSIDE):
                await inner
        return "ran"

    assert asyncio.run(charge(1)) == "ran"


def test_a_call_from_a_thread_with_the_context_is_refused(store: MemoryStore) -> None:
    @idempotent_function(store=store, name="charge")
    def charge(order: int) -> str:
        with ThreadPoolExecutor() as pool, pytest.raises(ConfigurationError, match=INSIDE):
            pool.submit(copy_context().run, charge, order).result()
        return "ran"

    assert charge(1) == "ran"


def test_a_call_from_a_thread_without_the_context_is_a_duplicate(store: MemoryStore) -> None:
    @idempotent_function(store=store, name="charge")
    def charge(order: int) -> str:
        with ThreadPoolExecutor() as pool, pytest.raises(InProgressError):
            pool.submit(charge, order).result()
        return "ran"

    assert charge(1) == "ran"


def test_a_task_that_outlives_its_attempt_gets_the_replay(store: MemoryStore) -> None:
    tasks: list[asyncio.Task[int]] = []
    ended = asyncio.Event()

    @idempotent_function(store=store, name="charge")
    async def charge(order: int) -> int:
        tasks.append(asyncio.create_task(later(order)))
        return order

    async def later(order: int) -> int:
        await ended.wait()
        return await charge(order)

    async def main() -> int:
        await charge(1)
        ended.set()
        return await tasks[0]

    assert asyncio.run(main()) == 1
    assert len(tasks) == 1


# Leases -------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as in Lambda, where the timeout ends an attempt."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payments")


@pytest.fixture
def held(store: MemoryStore, clock: ManualClock) -> Callable[[], int]:
    """Return the length of the running attempt's lease, in milliseconds."""

    def lease() -> int:
        reply = store.read(current().key)
        assert isinstance(reply, Conflict)
        return reply.record.lease_end - int(clock() * 1000)

    return lease


@pytest.mark.parametrize(
    ("option", "remaining", "expected"),
    [(None, 8_000, 10_000), (5, 8_000, 10_000), (60, 8_000, 60_000)],
)
def test_a_lease_is_never_less_than_the_invocation_has_left(
    store: MemoryStore, held: Callable[[], int], option: float | None, remaining: int, expected: int
) -> None:
    @idempotent_function(store=store, lease=option, name="charge")
    def charge(order: int) -> int:
        return held()

    handler = idempotent(store=store)(lambda event, context: charge(1))
    assert handler(EVENT, Context(remaining)) == expected


def test_nor_in_a_function_inside_a_function_or_on_an_event_loop(
    store: MemoryStore, held: Callable[[], int]
) -> None:
    @idempotent_function(store=store, name="inner")
    async def inner(order: int) -> int:
        return held()

    @idempotent_function(store=store, name="outer")
    async def outer(order: int) -> int:
        return await asyncio.create_task(inner(order))

    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> int:
        return await outer(1)

    assert handler(EVENT, Context(8_000)) == 10_000


@pytest.mark.parametrize(
    "options", [{"key": "nothing", "on_missing_key": "bypass"}, {"http": "ietf"}], ids=repr
)
def test_nor_in_a_handler_that_runs_without_a_record(
    store: MemoryStore, held: Callable[[], int], options: dict[str, Any]
) -> None:
    @idempotent_function(store=store, name="charge")
    def charge(order: int) -> int:
        return held()

    handler = idempotent(store=store, **options)(lambda event, context: charge(1))
    request = {"httpMethod": "GET", "resource": "/", "path": "/", "headers": {}}
    assert handler(request, Context(8_000)) == 10_000


@pytest.mark.parametrize(
    ("setting", "option", "expected"),
    [
        ({}, None, LONGEST_MS),
        ({LEASE: "30"}, None, 30_000),
        ({LEASE: "30"}, 60, 60_000),
    ],
)
def test_without_an_invocation_the_lease_is_the_option_or_the_setting(
    monkeypatch: pytest.MonkeyPatch, setting: dict[str, str], option: float | None, expected: int
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    clock = ManualClock()
    store = MemoryStore(clock)

    @idempotent_function(store=store, lease=option, name="charge")
    def charge(order: int) -> int:
        reply = store.read(current().key)
        assert isinstance(reply, Conflict)
        return reply.record.lease_end - int(clock() * 1000)

    assert charge(1) == expected


def test_a_function_that_outlives_its_invocation_has_time_of_its_own(
    store: MemoryStore, held: Callable[[], int]
) -> None:
    started, ended = threading.Event(), threading.Event()
    found: list[int] = []

    @idempotent_function(store=store, name="inner")
    def inner(order: int) -> int:
        return held()

    @idempotent_function(store=store, name="outer")
    def outer(order: int) -> None:
        started.set()
        assert ended.wait(30)
        found.append(inner(order))

    threads = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        run = copy_context().run
        threads.append(threading.Thread(target=lambda: run(outer, 1)))
        threads[0].start()
        assert started.wait(30)

    handler(EVENT, Context(8_000))
    ended.set()
    threads[0].join()
    assert found == [LONGEST_MS]


def test_an_invocation_that_has_ended_tells_nothing(
    store: MemoryStore, held: Callable[[], int]
) -> None:
    contexts = []
    handler = idempotent(store=store)(lambda event, context: contexts.append(copy_context()))
    handler(EVENT, Context(8_000))

    @idempotent_function(store=store, lease=60, name="charge")
    def charge(order: int) -> int:
        return held()

    assert contexts[0].run(charge, 1) == 60_000


def test_a_handler_in_another_thread_tells_nothing(
    store: MemoryStore, held: Callable[[], int]
) -> None:
    leases: list[int] = []

    @idempotent_function(store=store, lease=60, name="charge")
    def charge(order: int) -> None:
        leases.append(held())

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        thread = threading.Thread(target=charge, args=(1,))
        thread.start()
        thread.join()

    handler(EVENT, Context(8_000))
    assert leases == [60_000]
