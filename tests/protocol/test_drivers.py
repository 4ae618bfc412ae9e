"""The driver: each step is executed, and whatever goes wrong becomes an answer."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from kit.clocks import ManualClock
from lambda_idempotency.drivers import drive
from lambda_idempotency.protocol import Protocol
from lambda_idempotency.record import INPROGRESS, Blocked, Completion, Done, Gone, Metric, Record
from lambda_idempotency.record import Claim as ClaimWrite
from lambda_idempotency.steps import (
    Answer,
    Claim,
    Complete,
    Emit,
    Executed,
    Failed,
    Outcome,
    Raised,
    Read,
    Reconcile,
    Release,
    Returned,
    Run,
    Sleep,
    Step,
)
from lambda_idempotency.stores.memory import MemoryStore

KEY = "shop#1"
CLAIM = ClaimWrite(key=KEY, owner="a" * 32, lease=1000, expires_after=5000)
COMPLETION = Completion(key=KEY, owner="a" * 32, attempt=1, expires_after=5000, data="1")


def _returns_one(_: Run | Reconcile) -> Returned:
    return Returned(1, "1")


class _Broken(MemoryStore):
    """Every verb raises."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def read(self, key: str) -> Done | Blocked | Gone:
        raise self._error


class _Script:
    """A protocol that yields these steps and keeps the answers."""

    def __init__(self, *steps: Step) -> None:
        self._steps = steps
        self.answers: list[Answer] = []

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
    ) -> Outcome:
        return drive(
            self.run(),
            key=KEY,
            store=MemoryStore(ManualClock()) if store is None else store,
            run=run,
            remaining=lambda: 1234,
            sleep=sleep,
        )


def test_the_outcome_of_the_protocol_is_returned() -> None:
    assert _Script().drive() == Executed("the outcome")


def test_a_claim_is_sent_to_the_store() -> None:
    script, store = _Script(Claim(CLAIM)), MemoryStore(ManualClock())
    script.drive(store=store)
    assert isinstance(script.answers[0], Done)
    assert store._records[KEY].status == INPROGRESS


def test_a_claim_is_sent_with_what_was_seen() -> None:
    clock = ManualClock()
    store = MemoryStore(clock)
    store.claim(CLAIM)
    clock.advance(1)
    seen = store._records[KEY]
    other = ClaimWrite(key=KEY, owner="b" * 32, lease=1000, expires_after=5000)
    script = _Script(Claim(other), Claim(other, seen))
    script.drive(store=store)
    assert [type(answer) for answer in script.answers] == [Blocked, Done]


def test_a_completion_is_sent_to_the_store() -> None:
    script, store = _Script(Complete(COMPLETION)), MemoryStore(ManualClock())
    script.drive(store=store)
    assert isinstance(script.answers[0], Done)
    assert store._records[KEY].data == "1"


def test_a_release_is_sent_to_the_store() -> None:
    script, store = _Script(Claim(CLAIM), Release(KEY, "a" * 32)), MemoryStore(ManualClock())
    script.drive(store=store)
    assert isinstance(script.answers[1], Done)
    assert store._records == {}


def test_a_read_is_sent_to_the_store() -> None:
    script = _Script(Read(KEY), Claim(CLAIM), Read(KEY))
    script.drive()
    assert isinstance(script.answers[0], Gone)
    assert isinstance(script.answers[2], Blocked)
    assert isinstance(script.answers[2].record, Record)


@pytest.mark.parametrize("error", [OSError("down"), KeyError("a bug in the store")], ids=repr)
def test_a_store_that_raises_has_failed(error: Exception) -> None:
    script = _Script(Read(KEY))
    assert script.drive(store=_Broken(error)) == Executed("the outcome")
    assert script.answers == [Failed(error, remaining=1234)]


def test_the_end_of_the_process_is_no_failure_of_the_store() -> None:
    script = _Script(Read(KEY))
    with pytest.raises(KeyboardInterrupt):
        script.drive(store=_Broken(KeyboardInterrupt()))
    assert script.answers == []


def test_the_handler_is_run_as_the_attempt_that_the_step_tells() -> None:
    attempts: list[int] = []

    def run(step: Run | Reconcile) -> Returned:
        attempts.append(step.attempt)
        return Returned("result", "text")

    script = _Script(Run(3))
    script.drive(run=run)
    assert attempts == [3]
    assert script.answers == [Returned("result", "text")]


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt(), SystemExit(1)], ids=repr)
def test_whatever_the_handler_raises_is_an_answer(error: BaseException) -> None:
    def run(_: Run | Reconcile) -> Returned:
        raise error

    script = _Script(Run(1))
    assert script.drive(run=run) == Executed("the outcome")
    assert script.answers == [Raised(error)]


def test_a_pause_is_slept_in_seconds() -> None:
    slept: list[float] = []
    script = _Script(Sleep(1500), Sleep(20))
    script.drive(sleep=slept.append)
    assert slept == [1.5, 0.02]
    assert script.answers == [None, None]


def test_without_a_pause_nothing_sleeps() -> None:
    slept: list[float] = []
    _Script(Claim(CLAIM), Run(1), Complete(COMPLETION)).drive(sleep=slept.append)
    assert slept == []


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
    caplog: pytest.LogCaptureFixture, metric: Metric, level: int
) -> None:
    script = _Script(Emit(metric))
    with caplog.at_level(logging.DEBUG, logger="lambda_idempotency"):
        script.drive()
    assert caplog.record_tuples == [("lambda_idempotency", level, f"{metric} {KEY}")]
    assert script.answers == [None]


def test_a_failure_of_the_store_logs_none_of_its_words(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="lambda_idempotency"):
        _Script(Read(KEY), Emit("StoreError")).drive(store=_Broken(OSError("card 4111")))
    assert caplog.record_tuples == [
        ("lambda_idempotency", logging.WARNING, f"StoreError {KEY}"),
    ]
