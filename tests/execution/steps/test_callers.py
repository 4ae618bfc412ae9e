"""Where steps are taken: in every kind of handler, thread and task."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any, Final

import pytest

from kit.batches import batch, sqs
from kit.clocks import ManualClock
from kit.http_events import Http, http_2
from kit.steps import (
    EVENT,
    RESULT,
    WRITE,
    Faulty,
    Shop,
    attempt_died,
    attempt_raises,
    raises_then_dies,
    unreachable,
)
from lambda_idempotency import (
    Absent,
    ConfigurationError,
    MemoryStore,
    Reconciled,
    Replay,
    StoreError,
    WritesRefused,
    current,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.protocol.record import Claim, Record, Reply

SHORT: Final = SimpleNamespace(get_remaining_time_in_millis=lambda: 40)
"""The context of an invocation without the time to send anything twice."""


def test_a_name_is_taken_once(store: Faulty) -> None:
    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        for _ in range(2):
            current().step("charge", lambda: 1)

    with pytest.raises(ConfigurationError, match="'charge' was taken twice"):
        handler(EVENT, None)


@pytest.mark.parametrize("name", ["", None, 1])
def test_a_name_is_a_text(store: Faulty, name: Any) -> None:
    handler = idempotent(store=store)(lambda event, context: current().step(name, lambda: 1))
    with pytest.raises(ConfigurationError, match="expected a text"):
        handler(EVENT, None)


def test_what_is_called_already_is_refused(store: Faulty) -> None:
    handler = idempotent(store=store)(lambda event, context: current().step("a", 5))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="expected a function"):
        handler(EVENT, None)


def test_an_async_handler_awaits_its_steps(store: Faulty) -> None:
    ran: list[int] = []

    async def charge(number: int) -> int:
        await asyncio.sleep(0)
        ran.append(number)
        return number

    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> list[int]:
        steps = [current().step(f"charge {n}", lambda n=n: charge(n)) for n in range(5)]  # type: ignore[misc]
        got = [*await asyncio.gather(*steps), await current().step("sync", lambda: 5)]
        if len(store.requests) < 9:
            raise ValueError("charge")
        return got

    attempt_raises(handler)
    assert handler(EVENT, None) == [0, 1, 2, 3, 4, 5]
    assert ran == [0, 1, 2, 3, 4]


def test_a_cancelled_step_is_recorded(store: Faulty) -> None:
    ran: list[int] = []

    @idempotent_function(store=store, name="charge")
    async def charge(order: int) -> int:
        result = await current().step("charge", lambda: ran.append(1) or 7)  # type: ignore[func-returns-value]
        return int(result)

    async def cancelled() -> None:
        task = asyncio.create_task(charge(1))
        loop = asyncio.get_running_loop()

        def cancel(_: Claim) -> None:
            loop.call_soon_threadsafe(task.cancel)

        store.on_renew = cancel
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    store.on_renew = lambda claim: None
    assert asyncio.run(charge(1)) == 7
    assert ran == [1]


def test_an_async_function_outside_of_an_async_handler_is_refused(store: Faulty) -> None:
    async def charge() -> None: ...

    handler = idempotent(store=store)(lambda event, context: current().step("a", charge))
    with pytest.raises(ConfigurationError, match="returned a coroutine, none of which has run"):
        handler(EVENT, None)


def test_threads_take_steps_side_by_side(store: Faulty) -> None:
    met = threading.Barrier(8)

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> list[int]:
        attempt = current()

        def step(number: int) -> Any:
            return attempt.step(str(number), lambda: (met.wait() and 0) or number)

        with ThreadPoolExecutor(8) as pool:
            contexts = [copy_context() for _ in range(8)]
            got = list(pool.map(lambda n: contexts[n].run(step, n), range(8)))
        if len(store.requests) < 11:
            raise ValueError("charge")
        return got

    attempt_raises(handler)
    assert handler(EVENT, None) == list(range(8))


def test_after_the_handler_has_ended_no_step_runs(store: Faulty) -> None:
    attempts: list[Any] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        attempts.append(current())
        current().step("one", lambda: 1)

    handler(EVENT, None)
    with pytest.raises(ConfigurationError, match="the handler has returned"):
        attempts[0].step("two", lambda: 2)


def test_on_orphan_has_no_steps(store: Faulty) -> None:
    def look_up(event: Any) -> None:
        current().step("one", lambda: 1)

    handler = idempotent(store=store, on_orphan=look_up)(Shop())
    raises_then_dies(store, handler)
    with pytest.raises(ConfigurationError, match="this is on_orphan"):
        handler(EVENT, None)


def test_a_call_without_a_key_runs_its_steps_each_time(store: Faulty) -> None:
    shop = Shop()
    shop.fails_after = None
    handler = idempotent(store=store, key="missing", on_missing_key="bypass")(shop)
    assert handler(EVENT, None) == RESULT
    handler(EVENT, None)
    assert shop.ran == ["charge", "label"] * 2


def test_a_call_that_fails_open_runs_its_steps(clock: ManualClock) -> None:
    shop = Shop()
    shop.fails_after = None

    class Down(Faulty):
        def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
            raise StoreError("unreachable")

    store = Down(clock)
    assert idempotent(store=store, fail_open=True)(shop)(EVENT, None) == RESULT
    assert store.requests == ["complete"]


def test_a_function_has_steps(store: Faulty) -> None:
    shop = Shop()

    @idempotent_function(
        store=store, name="order", on_interrupted=lambda arguments, name: Reconciled(arguments)
    )
    def order(number: int) -> Any:
        return shop({"id": number}, None)

    with pytest.raises(ValueError, match="charge"):
        order(1)
    attempt_died(store)
    assert order(1) == [RESULT[0], {"number": 1}]


def test_a_record_of_a_batch_has_steps(store: Faulty) -> None:
    shop = Shop()

    @idempotent_records(store=store)
    def handler(record: Any, context: Any) -> None:
        shop(record, context)

    event = batch(sqs("1"))
    assert handler(event, None)["batchItemFailures"]
    assert not handler(event, None)["batchItemFailures"]
    assert shop.ran == ["charge", "label"]


def test_a_store_that_does_not_renew_has_no_steps(clock: ManualClock) -> None:
    class Short(MemoryStore):
        renews = False

    with pytest.raises(ConfigurationError, match="a Short, which has no renew"):
        idempotent(store=Short(clock))(Shop())(EVENT, None)


def test_an_on_replay_hook_sees_the_answer_only(store: Faulty) -> None:
    seen: list[Any] = []

    def note(answer: Any, replay: Replay) -> None:
        seen.append(answer)

    handler = idempotent(store=store, on_replay=note)(Shop())
    attempt_raises(handler)
    handler(EVENT, None)
    handler(EVENT, None)
    assert seen == [RESULT]


@pytest.mark.parametrize(
    ("on_renew", "status", "kind"),
    [
        (lambda claim: WritesRefused("write 1 of 1 failed", 0), 500, "refused"),
        (unreachable, 503, "unknown"),
        (lambda claim: Absent(0), 503, "overtaken"),
    ],
    ids=["refused", "unknown", "overtaken"],
)
def test_an_http_request_whose_step_is_not_recorded_is_answered(
    store: Faulty, on_renew: Any, status: int, kind: str
) -> None:
    shop = Shop()
    shop.writes, shop.fails_after = [WRITE], None
    store.on_renew = on_renew
    answer = idempotent(store=store)(shop)(http_2(Http()), SHORT)
    assert (answer["statusCode"], json.loads(answer["body"])["type"]) == (
        status,
        f"urn:idempotency:{kind}",
    )
