"""The drivers: they execute each step, and turn any failure into a step's result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import pytest

from kit.clocks import ManualClock, ProcessClocks
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.net.elapsed import Moment
from lambda_idempotency.drivers import aio as async_driver
from lambda_idempotency.drivers import sync as drivers
from lambda_idempotency.drivers.requests import complete_and_claim
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.machine import Protocol
from lambda_idempotency.protocol.record import (
    INPROGRESS,
    Absent,
    Applied,
    Claim,
    Completion,
    Conflict,
    Metric,
    Record,
    Reply,
)
from lambda_idempotency.protocol.steps import (
    Complete,
    CompleteAndClaim,
    Emit,
    Executed,
    Failed,
    LeaseExpired,
    Outcome,
    Raised,
    Read,
    Reconcile,
    Release,
    Returned,
    Run,
    SendClaim,
    Sleep,
    Step,
    StepResult,
)
from lambda_idempotency.stores.base import ReplyOrError
from lambda_idempotency.stores.memory import MemoryStore

KEY = "shop#1"
CLAIM = Claim(key=KEY, owner="a" * 32, lease_ms=1000, expires_after_ms=5000)
COMPLETION = Completion(key=KEY, owner="a" * 32, attempt=1, expires_after_ms=5000, data="1")


def _returns_one(_: Run | Reconcile) -> Returned:
    return Returned(1, "1")


class _Broken(MemoryStore):
    """A store whose every verb raises."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def read(self, key: str) -> Applied | Conflict | Absent:
        raise self._error


class _Script:
    """A protocol that yields these steps and keeps their results."""

    def __init__(self, drive: Callable[..., Outcome], *steps: Step) -> None:
        self._drive = drive
        self._steps = steps
        self.answers: list[StepResult] = []

    def run(self) -> Protocol:
        for step in self._steps:
            answer = yield step
            self.answers.append(answer)
        return Executed("the outcome")

    def drive(
        self,
        *,
        store: MemoryStore | None = None,
        run: Callable[[Run | Reconcile], Returned] = _returns_one,
        sleep: Callable[[float], None] = lambda _: None,
        moment: Callable[[], Moment] = lambda: (0, 0),
    ) -> Outcome:
        return self._drive(
            self.run(),
            key=KEY,
            store=MemoryStore(ManualClock()) if store is None else store,
            run=run,
            remaining=lambda: 1234,
            sleep=sleep,
            moment=moment,
        )


Scripts: TypeAlias = Callable[..., _Script]


def _on_a_loop(
    protocol: Protocol,
    *,
    run: Callable[[Run], Returned],
    sleep: Callable[[float], None],
    **options: Any,
) -> Outcome:
    async def run_async(step: Any) -> Returned:
        return run(step)

    async def sleep_async(seconds: float) -> None:
        sleep(seconds)

    return asyncio.run(async_driver.drive(protocol, run=run_async, sleep=sleep_async, **options))


@pytest.fixture(params=[drivers.drive, _on_a_loop], ids=["sync", "async"])
def script(request: pytest.FixtureRequest) -> Scripts:
    """Return scripts for each driver in turn."""
    return partial(_Script, request.param)


def test_the_outcome_of_the_protocol_is_returned(script: Scripts) -> None:
    assert script().drive() == Executed("the outcome")


def test_a_claim_is_sent_to_the_store(script: Scripts) -> None:
    played, store = script(SendClaim(CLAIM)), MemoryStore(ManualClock())
    played.drive(store=store)
    assert isinstance(played.answers[0], Applied)
    assert store.records()[KEY].status == INPROGRESS


def test_a_claim_is_sent_with_what_was_seen(script: Scripts) -> None:
    clock = ManualClock()
    store = MemoryStore(clock)
    store.claim(CLAIM)
    clock.advance(1)
    seen = store.records()[KEY]
    other = Claim(key=KEY, owner="b" * 32, lease_ms=1000, expires_after_ms=5000)
    played = script(SendClaim(other), SendClaim(other, seen))
    played.drive(store=store)
    assert [type(answer) for answer in played.answers] == [Conflict, Applied]


def test_a_completion_is_sent_to_the_store(script: Scripts) -> None:
    played, store = script(Complete(COMPLETION)), MemoryStore(ManualClock())
    played.drive(store=store)
    assert isinstance(played.answers[0], Applied)
    assert store.records()[KEY].data == "1"


def test_a_release_is_sent_to_the_store(script: Scripts) -> None:
    played, store = script(SendClaim(CLAIM), Release(KEY, "a" * 32)), MemoryStore(ManualClock())
    played.drive(store=store)
    assert isinstance(played.answers[1], Applied)
    assert store.records() == {}


def test_a_read_is_sent_to_the_store(script: Scripts) -> None:
    played = script(Read(KEY), SendClaim(CLAIM), Read(KEY))
    played.drive()
    assert isinstance(played.answers[0], Absent)
    assert isinstance(played.answers[2], Conflict)
    assert isinstance(played.answers[2].record, Record)


@pytest.mark.parametrize("error", [OSError("down"), KeyError("a bug in the store")], ids=repr)
def test_a_store_that_raises_has_failed(script: Scripts, error: Exception) -> None:
    played = script(Read(KEY))
    assert played.drive(store=_Broken(error)) == Executed("the outcome")
    assert played.answers == [Failed(error, remaining_ms=1234 - 123)]


class _MixedUp(MemoryStore):
    """A store whose replies are about another record."""

    def read(self, key: str) -> Reply:
        return super().read(OTHER_KEY)

    def complete_and_claim(
        self, completion: Completion, claim: Claim
    ) -> tuple[ReplyOrError, ReplyOrError]:
        return super().read(OTHER_KEY), super().read(OTHER_KEY)


OTHER_KEY = "shop#2"


def test_a_reply_about_another_record_is_a_failure_of_the_store(script: Scripts) -> None:
    played, store = script(Read(KEY)), _MixedUp()
    store.claim(CLAIM._replace(key=OTHER_KEY))
    played.drive(store=store)
    [failed] = played.answers
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, StoreError)
    assert OTHER_KEY not in str(failed.error)


def test_replies_about_other_records_are_failures_of_both() -> None:
    store = _MixedUp()
    store.claim(CLAIM._replace(key=OTHER_KEY))
    both = complete_and_claim(store, CompleteAndClaim(COMPLETION, CLAIM), lambda: 0)
    assert [type(result) for result in both] == [Failed, Failed]


def test_the_end_of_the_process_is_no_failure_of_the_store(script: Scripts) -> None:
    played = script(Read(KEY))
    with pytest.raises(KeyboardInterrupt):
        played.drive(store=_Broken(KeyboardInterrupt()))
    assert played.answers == []


def test_the_handler_is_run_as_the_attempt_that_the_step_tells(script: Scripts) -> None:
    attempts: list[int] = []

    def run(step: Run | Reconcile) -> Returned:
        attempts.append(step.attempt)
        return Returned("result", "text")

    played = script(Run(3))
    played.drive(run=run)
    assert attempts == [3]
    assert played.answers == [Returned("result", "text")]


@pytest.mark.parametrize(
    "error", [ValueError(), KeyboardInterrupt(), SystemExit(1), GeneratorExit()], ids=repr
)
def test_whatever_the_handler_raises_is_an_answer(script: Scripts, error: BaseException) -> None:
    def run(_: Run | Reconcile) -> Returned:
        raise error

    played = script(Run(1))
    assert played.drive(run=run) == Executed("the outcome")
    assert played.answers == [Raised(error)]


def test_a_pause_is_slept_in_seconds(script: Scripts) -> None:
    slept: list[float] = []
    played = script(Sleep(1500), Sleep(20))
    played.drive(sleep=slept.append)
    assert slept == [1.5, 0.02]
    assert played.answers == [None, None]


def test_without_a_pause_nothing_sleeps(script: Scripts) -> None:
    slept: list[float] = []
    script(SendClaim(CLAIM), Run(1), Complete(COMPLETION)).drive(sleep=slept.append)
    assert slept == []


def test_a_call_that_nothing_limits_has_time_after_its_code_ran() -> None:
    found: list[float] = []

    class Noting(MemoryStore):
        def release(self, key: str, owner: str) -> Reply:
            found.append(deadline.current(5).left())
            return super().release(key, owner)

    def run(_: Run | Reconcile) -> Returned:
        deadline.start(-1)  # as if the handler had taken longer than anything
        return Returned(1, "1")

    _Script(drivers.drive, Run(1), Release(KEY, "a" * 32)).drive(store=Noting(), run=run)
    assert found[0] > 0


def test_so_has_an_async_call() -> None:
    shield = async_driver.CancellationShield(MemoryStore(), lambda: 60_000, asyncio.sleep)
    shield._context.run(deadline.start, -1)
    shield.start()
    assert shield._context.run(deadline.current, 5).left() > 0


# Too late -----------------------------------------------------------------------------------------


class _Slow(MemoryStore):
    """A store that answers after a second, which passes on the clocks in `passing`."""

    def __init__(self, *passing: ManualClock) -> None:
        super().__init__(ManualClock())
        self._passing = passing

    def _slowly(self, reply: Reply) -> Reply:
        for clock in self._passing:
            clock.advance(1)
        return reply

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        return self._slowly(super().claim(claim, seen))

    def complete(self, completion: Completion) -> Reply:
        return self._slowly(super().complete(completion))

    def read(self, key: str) -> Reply:
        return self._slowly(super().read(key))


STARTS = pytest.mark.parametrize("start", [Run, Reconcile])


@STARTS
@pytest.mark.parametrize("passing", [{"steady"}, {"wall"}, {"steady", "wall"}], ids=sorted)
def test_what_may_start_after_its_lease_does_not(
    script: Scripts, start: type[Run | Reconcile], passing: set[str]
) -> None:
    """The later clock counts: one of them stands still while a sandbox is frozen."""
    clocks = ProcessClocks()
    store = _Slow(*(getattr(clocks, name) for name in passing))
    called: list[Run | Reconcile] = []

    def run(step: Run | Reconcile) -> Returned:
        called.append(step)
        return Returned(1, "1")

    played = script(SendClaim(CLAIM), start(1, lease_ms=1000))
    played.drive(store=store, run=run, moment=clocks.moment)
    assert called == []
    assert type(played.answers[1]) is LeaseExpired


@STARTS
def test_what_starts_within_its_lease_does(script: Scripts, start: type[Run | Reconcile]) -> None:
    clocks = ProcessClocks()
    played = script(SendClaim(CLAIM), start(1, lease_ms=1002))
    played.drive(store=_Slow(clocks.steady, clocks.wall), moment=clocks.moment)
    assert played.answers[1] == Returned(1, "1")


@STARTS
def test_what_starts_without_a_lease_does_at_any_time(
    script: Scripts, start: type[Run | Reconcile]
) -> None:
    clocks = ProcessClocks()
    played = script(SendClaim(CLAIM), start(1))
    played.drive(store=_Slow(clocks.steady, clocks.wall), moment=clocks.moment)
    assert played.answers[1] == Returned(1, "1")


def test_a_lease_is_measured_from_the_last_claim_or_read(script: Scripts) -> None:
    clocks = ProcessClocks()
    played = script(SendClaim(CLAIM), Read(KEY), Run(1, lease_ms=1500))
    played.drive(store=_Slow(clocks.steady, clocks.wall), moment=clocks.moment)
    assert played.answers[2] == Returned(1, "1")


def test_a_completion_in_between_takes_time_from_it(script: Scripts) -> None:
    clocks = ProcessClocks()
    played = script(SendClaim(CLAIM), Complete(COMPLETION), Run(1, lease_ms=1500))
    played.drive(store=_Slow(clocks.steady, clocks.wall), moment=clocks.moment)
    assert type(played.answers[2]) is LeaseExpired


@pytest.mark.parametrize(
    ("metric", "level"),
    [
        ("Executed", logging.DEBUG),
        ("Replayed", logging.DEBUG),
        ("InProgress", logging.DEBUG),
        ("Mismatch", logging.DEBUG),
        ("TakenOver", logging.WARNING),
        ("LeaseLost", logging.WARNING),
        ("CompletionFailed", logging.WARNING),
        ("Parked", logging.WARNING),
        ("StoreError", logging.WARNING),
    ],
)
def test_an_event_is_logged_under_the_records_id(
    script: Scripts, caplog: pytest.LogCaptureFixture, metric: Metric, level: int
) -> None:
    played = script(Emit(metric))
    with caplog.at_level(logging.DEBUG, logger="lambda_idempotency"):
        played.drive()
    assert caplog.record_tuples == [("lambda_idempotency", level, f"{metric} {KEY}")]
    assert played.answers == [None]


def test_a_failure_of_the_store_logs_none_of_its_words(
    script: Scripts, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="lambda_idempotency"):
        script(Read(KEY), Emit("StoreError")).drive(store=_Broken(OSError("card 4111")))
    assert caplog.record_tuples == [
        ("lambda_idempotency", logging.WARNING, f"StoreError {KEY}"),
    ]
