"""Steps together with the other options: each keeps its meaning."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from kit.batches import batch, sqs
from kit.clocks import ManualClock
from lambda_idempotency import (
    CommitError,
    MemoryStore,
    ParkedError,
    StoreError,
    WritesRefused,
    current,
    idempotent,
    idempotent_records,
)
from lambda_idempotency.protocol.record import INPROGRESS, Claim, Completion, Reply

EVENT: Final = {"id": 1}
WRITE: Final = {"Put": {"TableName": "ledger", "Item": {"id": {"S": "1"}}}}


class Ran:
    """A handler of one step that raises in its first attempts."""

    def __init__(self, *, raises: int = 1) -> None:
        self.steps = 0
        self.left = raises

    def __call__(self, event: Any, context: Any) -> Any:
        charge = current().step("charge", self._charge)
        self.left -= 1
        if self.left >= 0:
            raise ValueError("asked to")
        return {"charge": charge, "card": "4111"}

    def _charge(self) -> str:
        self.steps += 1
        return f"charge {self.steps}"


ANSWER: Final = {"charge": "charge 1", "card": "4111"}


def _raises(handler: Any, event: Any = EVENT) -> None:
    with pytest.raises(ValueError, match="asked to"):
        handler(event, None)


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    return MemoryStore(clock)


def test_metrics_count_recorded_replayed_and_unrecorded_steps(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Away(MemoryStore):
        def renew(self, claim: Claim) -> Reply:
            if claim.lease_ms and "label" in str(claim.steps):
                raise StoreError("away")
            return super().renew(claim)

    run = Ran()

    def handler(event: Any, context: Any) -> Any:
        if run.left == 0:
            current().step("label", int)
        return run(event, context)

    caplog.set_level(logging.DEBUG, "lambda_idempotency")
    decorated = idempotent(store=Away(clock))(handler)
    _raises(decorated)
    assert decorated(EVENT, None) == ANSWER
    events = [getattr(record, "idempotency_event", "") for record in caplog.records]
    told = [event for event in events if event.startswith("Step")]
    assert told == ["StepRecorded", "StepUnrecorded", "StepReplayed"]


def test_a_duplicate_that_waits_goes_on_as_soon_as_the_attempt_gives_up() -> None:
    """With the process's own clock; the lease would last for minutes."""
    running, waits = threading.Event(), threading.Event()

    class Watched(MemoryStore):
        def read(self, key: str) -> Reply:
            waits.set()
            return super().read(key)

    store, run = Watched(), Ran()

    def handler(event: Any, context: Any) -> Any:
        running.set()
        assert waits.wait(60)
        return run(event, context)

    decorated = idempotent(
        store=store, on_in_progress="wait", wait_timeout=60, lease=600, heartbeat=False
    )(handler)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(decorated, EVENT, None)
        assert running.wait(60)
        assert decorated(EVENT, None) == ANSWER
        assert isinstance(first.exception(), ValueError)
    assert run.steps == 1


def test_deaths_after_a_step_park_the_key(store: MemoryStore, clock: ManualClock) -> None:
    run = Ran(raises=9)
    handler = idempotent(store=store, max_attempts=2)(run)
    for _ in range(4):  # no death, so any number of them
        _raises(handler)
    for attempt in (1, 2):
        [record] = store.records().values()
        assert record.attempt == attempt
        store.put(record._replace(lease_end=1))
        if attempt == 1:
            _raises(handler)
    with pytest.raises(ParkedError):
        handler(EVENT, None)
    assert run.steps == 1
    [record] = store.records().values()
    assert record.steps is None


def test_what_is_redacted_of_the_answer_is_none_of_a_steps_result(store: MemoryStore) -> None:
    run = Ran()
    handler = idempotent(store=store, redact="{charge: charge}")(run)
    _raises(handler)
    assert handler(EVENT, None) == ANSWER
    assert handler(EVENT, None) == {"charge": "charge 1"}
    [record] = store.records().values()
    assert "4111" not in str(record.data)
    assert record.steps is None


@pytest.mark.parametrize("refused", ["nothing", "the commit"])
def test_commit_with_beside_steps_takes_effect_once(clock: ManualClock, refused: str) -> None:
    class Refusing(MemoryStore):
        refuses = refused == "the commit"

        def complete(self, completion: Completion) -> Reply:
            if self.refuses:
                self.refuses = False
                return WritesRefused("write 1 of 1 failed", 0)
            return super().complete(completion)

    store, run = Refusing(clock), Ran(raises=0)

    def commits(event: Any, context: Any) -> Any:
        current().commit_with([WRITE])
        return run(event, context)

    handler = idempotent(store=store)(commits)
    if refused == "the commit":
        with pytest.raises(CommitError):
            handler(EVENT, None)
        [record] = store.records().values()
        assert (record.status, record.lease_end) == (INPROGRESS, 0)
    assert handler(EVENT, None) == ANSWER
    assert (run.steps, store.committed) == (1, [WRITE])


def test_two_steps_write_to_one_item(store: MemoryStore) -> None:
    def handler(event: Any, context: Any) -> Any:
        return [current().step(name, lambda: 1, writes=[WRITE]) for name in ("one", "two")]

    assert idempotent(store=store)(handler)(EVENT, None) == [1, 1]
    assert store.committed == [WRITE, WRITE]


def test_records_of_an_async_batch_have_steps_of_their_own(store: MemoryStore) -> None:
    ran: list[str] = []

    async def charge(of: str) -> str:
        ran.append(of)
        return of

    @idempotent_records(store=store)
    async def handler(record: Any, context: Any) -> None:
        of = record["messageId"]
        assert await current().step("charge", lambda: charge(of)) == of
        if ran.count(of) == 1 and of not in failed:
            failed.append(of)
            raise ValueError("asked to")

    failed: list[str] = []
    event = batch(sqs("1"), sqs("2"))
    assert len(handler(event, None)["batchItemFailures"]) == 2
    assert handler(event, None) == {"batchItemFailures": []}
    assert len(ran) == 2
