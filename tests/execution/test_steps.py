"""`current().step(name, function)` as callers see it."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any, Final

import pytest

from kit.batches import batch, sqs
from kit.clocks import ManualClock
from kit.http_events import Http, http_2
from lambda_idempotency import (
    Absent,
    CommitError,
    ConfigurationError,
    FingerprintMismatchError,
    LeaseLostError,
    MemoryStore,
    Reconciled,
    Replay,
    StepInterruptedError,
    StoreError,
    WritesRefused,
    current,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.clients.net import elapsed
from lambda_idempotency.errors import ResponseUnavailableError
from lambda_idempotency.protocol.record import INPROGRESS, Claim, Record, Reply

EVENT: Final = {"id": 1}
LEASE: Final = 15 * 60
SHORT: Final = SimpleNamespace(get_remaining_time_in_millis=lambda: 40)
"""The context of an invocation without the time to send anything twice."""
WRITE: Final = {"Put": {"TableName": "ledger", "Item": {"id": {"S": "1"}}}}


class Faulty(MemoryStore):
    """A store that notes its requests, and does on `renew` what a test says."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.requests: list[str] = []
        self.on_renew: Callable[[Claim], Reply | None] = lambda claim: None

    def renew(self, claim: Claim) -> Reply:
        self.requests.append("give up" if claim.lease_ms == 0 else "renew")
        reply = self.on_renew(claim)
        return super().renew(claim) if reply is None else reply

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        self.requests.append("claim")
        return super().claim(claim, seen)

    def complete(self, completion: Any) -> Reply:
        self.requests.append("complete")
        return super().complete(completion)

    def release(self, key: str, owner: str) -> Reply:
        self.requests.append("release")
        return super().release(key, owner)


@pytest.fixture
def store(clock: ManualClock) -> Faulty:
    return Faulty(clock)


class Shop:
    """A handler of two steps, which fails where a test says."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.fails_after: str | None = "charge"
        self.writes: list[Any] = []

    def __call__(self, event: Any, context: Any) -> list[Any]:
        charge = current().step("charge", lambda: self._run("charge"), writes=self.writes)
        self._fail("charge")
        label = current().step("label", lambda: self._run("label"))
        self._fail("label")
        return [charge, label]

    def _run(self, name: str) -> dict[str, Any]:
        self.ran.append(name)
        self._fail(f"in {name}")
        return {"step": name, "number": len(self.ran)}

    def _fail(self, where: str) -> None:
        if self.fails_after == where:
            self.fails_after = None
            raise ValueError(where)


RESULT: Final = [{"step": "charge", "number": 1}, {"step": "label", "number": 2}]


def _raises(handler: Callable[..., Any], event: Any = EVENT) -> None:
    with pytest.raises(ValueError, match=r"charge|label"):
        handler(event, None)


def _died(store: MemoryStore, *, attempt: int = 1) -> None:
    """Make the last attempt one that died: its lease runs to an end of its own."""
    [record] = store.records().values()
    lease_end = int(store._clock() * 1000) - 1
    store.put(record._replace(lease_end=lease_end, attempt=attempt))


# A recorded step never runs again -----------------------------------------------------------------


def test_a_step_is_not_repeated_after_the_handler_raised(store: Faulty) -> None:
    shop = Shop()
    handler = idempotent(store=store)(shop)
    _raises(handler)
    assert handler(EVENT, None) == RESULT
    assert shop.ran == ["charge", "label"]


def test_a_step_is_not_repeated_after_the_attempt_died(store: Faulty) -> None:
    shop = Shop()
    handler = idempotent(store=store)(shop)
    _raises(handler)
    _died(store)
    assert handler(EVENT, None) == RESULT


def test_a_step_that_raised_runs_again(store: Faulty) -> None:
    shop = Shop()
    shop.fails_after = "in charge"
    handler = idempotent(store=store)(shop)
    _raises(handler)
    assert store.records() == {}
    handler(EVENT, None)
    assert shop.ran == ["charge", "charge", "label"]


def test_each_step_is_one_request_and_a_replay_of_the_answer_none_more(store: Faulty) -> None:
    shop = Shop()
    shop.fails_after = None
    handler = idempotent(store=store)(shop)
    handler(EVENT, None)
    assert store.requests == ["claim", "renew", "renew", "complete"]
    store.requests.clear()
    handler(EVENT, None)
    assert store.requests == ["claim"]


def test_a_replayed_step_is_no_request(store: Faulty) -> None:
    handler = idempotent(store=store)(Shop())
    _raises(handler)
    store.requests.clear()
    handler(EVENT, None)
    assert store.requests == ["claim", "claim", "renew", "complete"]


def test_the_first_attempt_gets_what_later_ones_get(store: Faulty) -> None:
    got: list[Any] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        got.append(current().step("tuple", lambda: (1, {2: "x"})))
        if len(got) == 1:
            raise ValueError("charge")

    _raises(handler)
    handler(EVENT, None)
    assert got == [[1, {"2": "x"}]] * 2


def test_a_result_that_is_no_json_is_returned_and_never_repeated(store: Faulty) -> None:
    ran: list[str] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> str:
        current().step("step", lambda: ran.append("x") or object())  # type: ignore[func-returns-value]
        raise ValueError("charge")

    _raises(handler)
    with pytest.raises(ResponseUnavailableError, match=r"Step 'step' .* is done"):
        handler(EVENT, None)
    assert ran == ["x"]


def test_a_completed_record_has_no_steps(store: Faulty) -> None:
    shop = Shop()
    shop.fails_after = None
    idempotent(store=store)(shop)(EVENT, None)
    [record] = store.records().values()
    assert (record.steps, record.data is not None) == (None, True)


# Giving up ----------------------------------------------------------------------------------------


def test_an_attempt_that_raised_leaves_no_lease_and_its_fingerprint(store: Faulty) -> None:
    handler = idempotent(store=store, key="id")(Shop())
    _raises(handler, {"id": 1, "amount": 1})
    [record] = store.records().values()
    assert (record.status, record.lease_end, record.attempt) == (INPROGRESS, 0, 1)
    fingerprinted = idempotent(store=store, key="id", fingerprint="amount", name="other")(Shop())
    _raises(fingerprinted, {"id": 1, "amount": 1})
    with pytest.raises(FingerprintMismatchError):
        fingerprinted({"id": 1, "amount": 2}, None)


def test_giving_up_is_no_death(store: Faulty) -> None:
    asked: list[Any] = []
    shop = Shop()
    handler = idempotent(store=store, max_attempts=1, on_orphan=asked.append)(shop)
    _raises(handler)
    shop.fails_after = "label"
    _raises(handler)
    assert handler(EVENT, None) == RESULT
    assert asked == []


def test_a_death_after_giving_up_is_one(store: Faulty) -> None:
    asked: list[Any] = []
    handler = idempotent(store=store, on_orphan=asked.append)(Shop())
    _raises(handler)
    _died(store)
    handler(EVENT, None)
    assert asked == [EVENT]


def test_an_answer_that_is_not_kept_keeps_the_steps(store: Faulty) -> None:
    ran: list[int] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        current().step("charge", lambda: ran.append(1))
        return {"statusCode": 500 if len(store.requests) < 4 else 200, "body": ""}

    request = http_2(Http())
    assert handler(request, None)["statusCode"] == 500
    assert handler(request, None)["statusCode"] == 200
    assert ran == [1]


def test_a_handler_without_steps_is_released_as_ever(store: Faulty) -> None:
    def handler(event: Any, context: Any) -> None:
        raise ValueError("charge")

    _raises(idempotent(store=store)(handler))
    assert store.requests == ["claim", "release"]


# After a death ------------------------------------------------------------------------------------


def _interrupted(store: Faulty, on_interrupted: Any) -> tuple[Shop, Any]:
    """Return a shop whose first attempt died after its charge."""
    shop = Shop()
    handler = idempotent(store=store, on_interrupted=on_interrupted)(shop)
    _raises(handler)
    _died(store)
    return shop, handler


@pytest.mark.parametrize("option", [None, "rerun", lambda event, name: None])
def test_a_step_that_may_have_been_interrupted_runs(store: Faulty, option: Any) -> None:
    _, handler = _interrupted(store, option)
    assert handler(EVENT, None) == RESULT


def test_a_step_that_may_have_been_interrupted_raises_if_told_so(store: Faulty) -> None:
    shop, handler = _interrupted(store, "raise")
    for _ in range(2):
        with pytest.raises(StepInterruptedError, match="'label'"):
            handler(EVENT, None)
    assert shop.ran == ["charge"]


def test_an_interrupted_step_is_asked_about_once_it_is_reached(store: Faulty) -> None:
    asked: list[Any] = []

    def ask(event: Any, name: str) -> Reconciled:
        asked.append((event, name))
        return Reconciled("found")

    shop, handler = _interrupted(store, ask)
    assert handler(EVENT, None) == [RESULT[0], "found"]
    assert asked == [(EVENT, "label")]
    assert shop.ran == ["charge"]


def test_a_step_with_writes_is_never_asked_about(store: Faulty) -> None:
    shop = Shop()
    shop.fails_after = "in charge"
    shop.writes = [WRITE]
    handler = idempotent(store=store, on_interrupted="raise")(shop)
    store.claim(Claim("x", "a" * 32, 1, 1))
    _raises(handler)
    store.clear()
    _raises_then_dies(store, handler)
    with pytest.raises(StepInterruptedError, match="'label'"):
        handler(EVENT, None)
    assert store.committed == [WRITE]


def _raises_then_dies(store: Faulty, handler: Any) -> None:
    """Leave the record of an attempt that died before its first step."""
    record_id = handler.record_id(EVENT, None)
    store.claim(Claim(record_id, "a" * 32, 1, 10_000_000))
    _died(store)


def test_a_step_that_nobody_asked_about_yet_is_asked_about_after_a_give_up(store: Faulty) -> None:
    _, handler = _interrupted(store, "raise")
    with pytest.raises(StepInterruptedError):
        handler(EVENT, None)
    [record] = store.records().values()
    assert (record.lease_end, record.attempt) == (0, 2)


def test_an_on_interrupted_that_is_nothing_known_is_refused(store: Faulty) -> None:
    options: Any = {"on_interrupted": "again"}
    with pytest.raises(ConfigurationError, match="on_interrupted is 'again'"):
        idempotent(store=store, **options)(Shop())


# Writes -------------------------------------------------------------------------------------------


def test_writes_take_effect_once_with_the_recovery_point(store: Faulty) -> None:
    shop = Shop()
    shop.writes = [WRITE]
    handler = idempotent(store=store)(shop)
    _raises(handler)
    assert handler(EVENT, None) == RESULT
    assert store.committed == [WRITE]


def test_refused_writes_are_told_and_the_step_runs_again(store: Faulty) -> None:
    shop = Shop()
    shop.writes, shop.fails_after = [WRITE], None
    handler = idempotent(store=store)(shop)
    store.on_renew = lambda claim: WritesRefused("write 1 of 1 failed", 0)
    with pytest.raises(CommitError, match=r"step 'charge' .* write 1 of 1 failed") as failed:
        handler(EVENT, None)
    assert failed.value.applied is False
    store.on_renew = lambda claim: None
    handler(EVENT, None)
    assert shop.ran == ["charge", "charge", "label"]


def _unreachable(_: Claim) -> Reply:
    raise StoreError("unreachable")


def test_writes_of_unknown_fate_keep_the_lease(store: Faulty) -> None:
    shop = Shop()
    shop.writes, shop.fails_after = [WRITE], None
    store.on_renew = _unreachable
    with pytest.raises(CommitError) as failed:
        idempotent(store=store)(shop)(EVENT, SHORT)
    assert failed.value.applied is None
    assert store.requests == ["claim", "renew"]


def test_after_writes_of_unknown_fate_no_step_runs(store: Faulty) -> None:
    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        with pytest.raises(CommitError):
            current().step("one", lambda: 1, writes=[WRITE])
        current().step("two", lambda: pytest.fail("it ran"))

    store.on_renew = _unreachable
    with pytest.raises(CommitError, match="'two'"):
        handler(EVENT, SHORT)


# The lease and the store --------------------------------------------------------------------------


def test_a_step_that_cannot_be_recorded_is_returned_and_recorded_with_the_next(
    store: Faulty,
) -> None:
    shop = Shop()
    shop.fails_after = "label"
    handler = idempotent(store=store)(shop)
    store.on_renew = lambda claim: _unreachable(claim) if "label" not in str(claim.steps) else None
    _raises(handler)
    assert handler(EVENT, None) == RESULT
    assert shop.ran == ["charge", "label"]


def test_an_unrecorded_step_is_recorded_as_the_attempt_gives_up(store: Faulty) -> None:
    shop = Shop()
    handler = idempotent(store=store)(shop)
    store.on_renew = lambda claim: _unreachable(claim) if claim.lease_ms else None
    _raises(handler)
    store.on_renew = lambda claim: None
    assert handler(EVENT, None) == RESULT


def test_a_step_of_an_attempt_that_was_overtaken_is_refused(store: Faulty) -> None:
    ran: list[int] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        store.put(store.records()[current().key]._replace(owner="b" * 32))
        with pytest.raises(LeaseLostError, match="'one' was not recorded"):
            current().step("one", lambda: ran.append(1))
        current().step("two", lambda: ran.append(2))

    with pytest.raises(LeaseLostError, match="'two'"):
        handler(EVENT, None)
    assert ran == [1]


def test_a_step_does_not_begin_after_its_lease(
    store: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    @idempotent(store=store, lease=1)
    def handler(event: Any, context: Any) -> None:
        current().step("one", lambda: 1)
        monkeypatch.setattr(elapsed, "milliseconds", lambda begin, end: 2000)
        current().step("two", lambda: pytest.fail("it ran"))

    with pytest.raises(LeaseLostError, match="before step 'two' began"):
        handler(EVENT, None)


def test_outside_of_lambda_a_recovery_point_renews_the_lease(
    store: Faulty, clock: ManualClock
) -> None:
    ends: list[int] = []

    @idempotent(store=store, lease=20)
    def handler(event: Any, context: Any) -> None:
        for name in ("one", "two"):
            clock.advance(10)
            current().step(name, lambda: None)
            ends.append(store.records()[current().key].lease_end)

    handler(EVENT, None)
    assert ends[1] - ends[0] == 10_000


# Where steps are taken ----------------------------------------------------------------------------


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

    _raises(handler)
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

    _raises(handler)
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
    _raises_then_dies(store, handler)
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
    _died(store)
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
    _raises(handler)
    handler(EVENT, None)
    handler(EVENT, None)
    assert seen == [RESULT]


@pytest.mark.parametrize(
    ("on_renew", "status", "kind"),
    [
        (lambda claim: WritesRefused("write 1 of 1 failed", 0), 500, "refused"),
        (_unreachable, 503, "unknown"),
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


# Large results ------------------------------------------------------------------------------------


def test_a_result_that_is_too_large_is_returned_and_never_repeated(
    store: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[int] = []
    store.max_data = 500

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> str:
        small = current().step("small", lambda: "s" * 100)
        large = current().step("large", lambda: ran.append(1) or os.urandom(1000).hex())  # type: ignore[func-returns-value]
        assert (len(small), len(large)) == (100, 2000)
        raise ValueError("charge")

    _raises(handler)
    assert "step 'large': with its result the record would have more than 500 bytes" in caplog.text
    with pytest.raises(ResponseUnavailableError, match="'large'"):
        handler(EVENT, None)
    assert ran == [1]


def test_steps_above_a_kilobyte_are_compressed(store: Faulty) -> None:
    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        text = current().step("text", lambda: "words and " * 500)
        if "complete" not in store.requests and len(store.requests) < 3:
            raise ValueError("charge")
        return text

    _raises(handler)
    [record] = store.records().values()
    assert isinstance(record.steps, bytes)
    assert len(record.steps) < 500
    assert handler(EVENT, None) == "words and " * 500


def test_steps_that_somebody_edited_are_refused(store: Faulty) -> None:
    handler = idempotent(store=store)(Shop())
    _raises(handler)
    [record] = store.records().values()
    store.put(record._replace(steps='{"charge": 5}'))
    with pytest.raises(StoreError, match=r"The steps of record .* are not readable"):
        handler(EVENT, None)


@pytest.mark.parametrize(
    ("writes", "why"),
    [
        (
            [{"Put": {"TableName": "ledger"}}],
            r"step 'charge' cannot send write 1, a Put: it has no",
        ),
        (["a text"], "step 'charge' was given something that is no write"),
        ([WRITE] * 100, "step 'charge' was given 100 writes in all; a transaction has room for 99"),
    ],
    ids=["incomplete", "text", "many"],
)
def test_what_is_wrong_with_writes_names_the_step(writes: Any, why: str) -> None:
    class Transactional(MemoryStore):
        transactional = True

    runs: list[int] = []

    @idempotent(store=Transactional())
    def handler(event: Any, context: Any) -> Any:
        return current().step("charge", lambda: runs.append(1), writes=writes)

    with pytest.raises(ConfigurationError, match=why):
        handler(EVENT, None)
    assert runs == []
