"""The DynamoDB store of a worker whose clock is a minute off, against a real server's time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from kit.harnesses import DynamoDBHarness
from lambda_idempotency.clients.aws.clock import ClockReading, ServiceClock
from lambda_idempotency.drivers.sync import drive
from lambda_idempotency.protocol.machine import run_once
from lambda_idempotency.protocol.record import (
    COMPLETED,
    Absent,
    Applied,
    Claim,
    Completion,
    Conflict,
    Record,
)
from lambda_idempotency.protocol.steps import (
    Call,
    Executed,
    InProgress,
    Outcome,
    Reconcile,
    Replayed,
    Returned,
    Run,
)
from lambda_idempotency.stores.dynamodb import DynamoDBStore
from lambda_idempotency.stores.dynamodb_items import from_item
from lambda_idempotency.testing.store_harness import new_key

ME: Final = "a" * 32
OTHER: Final = "b" * 32
LEASE: Final = 30_000
EXPIRES_AFTER: Final = 3_600_000
AHEAD: Final = 60
BEHIND: Final = -60

_SKEWED = pytest.mark.parametrize("skew", [AHEAD, BEHIND], ids=["ahead", "behind"])
_ANY_CLOCK = pytest.mark.parametrize("skew", [AHEAD, 0, BEHIND], ids=["ahead", "good", "behind"])


class _Client:
    """A client that counts the writes and can be interrupted just before or after each."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.puts = 0
        self.before: dict[int, Callable[[], object]] = {}
        self.after: dict[int, Callable[[], object]] = {}

    def put_item(self, **request: Any) -> Any:
        self.puts += 1
        number = self.puts
        self.before.get(number, lambda: None)()
        response = self._client.put_item(**request)
        self.after.get(number, lambda: None)()
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class _InterruptedClock(ServiceClock):
    """A clock after whose first reading another thread goes on."""

    def __init__(self, clock: Callable[[], float], interrupt: Callable[[], object]) -> None:
        super().__init__(clock)
        self._interrupts = [interrupt]

    def read(self) -> ClockReading:
        reading = super().read()
        if self._interrupts:
            self._interrupts.pop()()
        return reading


class _Worker:
    """A fresh store, as after a cold start, on a machine whose clock is `skew` seconds ahead."""

    def __init__(self, dynamodb: DynamoDBHarness, skew: int) -> None:
        self.client = _Client(dynamodb.client)
        self.store = DynamoDBStore(
            dynamodb.table, client=self.client, clock=lambda: time.time() + skew
        )
        self._dynamodb = dynamodb
        self.runs: list[int] = []

    def call(self) -> Outcome:
        """Return one call's outcome; `runs` lists the attempts of its handler's runs."""

        def run(step: Run | Reconcile) -> Returned:
            self.runs.append(step.attempt)
            return Returned("answer", '"answer"')

        key = self._dynamodb.key
        call = Call(key=key, owner=ME, lease_ms=LEASE, expires_after_ms=EXPIRES_AFTER)
        return drive(run_once(call), key=key, store=self.store, run=run, remaining=lambda: 10_000)

    def claim(self, key: str | None = None) -> Record:
        """Claim a key, and return what was written, checked to be leased from now on."""
        key = self._dynamodb.key if key is None else key
        started = self._dynamodb.now()
        assert isinstance(self.store.claim(_claim(ME, key)), Applied)
        return _check_lease(self._dynamodb, key, started)


def _claim(owner: str, key: str) -> Claim:
    return Claim(key=key, owner=owner, lease_ms=LEASE, expires_after_ms=EXPIRES_AFTER)


def _check_lease(dynamodb: DynamoDBHarness, key: str, started: int) -> Record:
    """Check the record claimed since `started`; a Date has whole seconds, and the requests take
    time.
    """
    item = dynamodb.client.get_item(TableName=dynamodb.table, Key={"id": {"S": key}})["Item"]
    ended = dynamodb.now()
    record = from_item(item, key, dynamodb.table)
    uncertainty = 1000 + (ended - started)
    assert started + LEASE - uncertainty <= record.lease_end <= ended + LEASE + uncertainty
    return record


def _in_progress(dynamodb: DynamoDBHarness, *, lease: int, expires: int) -> Record:
    """Plant another worker's claim; `lease` and `expires` are from now, in milliseconds."""
    now = dynamodb.now()
    record = Record(
        key=dynamodb.key,
        status="INPROGRESS",
        owner=OTHER,
        attempt=1,
        expiration=(now + expires) // 1000,
        lease_end=now + lease,
    )
    dynamodb.plant(record)
    return record


def _completed(dynamodb: DynamoDBHarness, *, expires: int) -> Record:
    record = Record(
        key=dynamodb.key,
        status=COMPLETED,
        owner=OTHER,
        attempt=1,
        expiration=(dynamodb.now() + expires) // 1000,
        data='"first"',
    )
    dynamodb.plant(record)
    return record


# The first reading of a fresh store ---------------------------------------------------------------


@_ANY_CLOCK
def test_the_first_call_leaves_a_live_lease_alone(dynamodb: DynamoDBHarness, skew: int) -> None:
    held = _in_progress(dynamodb, lease=40_000, expires=EXPIRES_AFTER)
    worker = _Worker(dynamodb, skew)
    assert isinstance(worker.call(), InProgress)
    assert worker.runs == []
    assert dynamodb.stored() == held


@_ANY_CLOCK
def test_the_first_call_leaves_a_claim_alone_that_only_looks_expired(
    dynamodb: DynamoDBHarness, skew: int
) -> None:
    held = _in_progress(dynamodb, lease=40_000, expires=45_000)
    worker = _Worker(dynamodb, skew)
    assert isinstance(worker.call(), InProgress)
    assert worker.runs == []
    assert dynamodb.stored() == held


@_ANY_CLOCK
def test_the_first_call_replays_an_answer_that_only_looks_expired(
    dynamodb: DynamoDBHarness, skew: int
) -> None:
    answer = _completed(dynamodb, expires=45_000)
    worker = _Worker(dynamodb, skew)
    assert worker.call() == Replayed(answer)
    assert worker.runs == []


@_ANY_CLOCK
def test_the_first_call_takes_over_an_orphan(dynamodb: DynamoDBHarness, skew: int) -> None:
    _in_progress(dynamodb, lease=-20_000, expires=EXPIRES_AFTER)
    worker = _Worker(dynamodb, skew)
    assert worker.call() == Executed("answer")
    assert worker.runs == [2]


@_ANY_CLOCK
def test_an_expired_record_blocks_no_more_than_the_first_reading(
    dynamodb: DynamoDBHarness, skew: int
) -> None:
    _completed(dynamodb, expires=-20_000)
    worker = _Worker(dynamodb, skew)
    assert worker.call() == Executed("answer")
    assert worker.runs == [1]
    stored = dynamodb.stored()
    assert stored is not None
    assert (stored.status, stored.owner) == (COMPLETED, ME)


def test_the_first_look_finds_an_expired_record_gone(dynamodb: DynamoDBHarness) -> None:
    expired = _completed(dynamodb, expires=-20_000)
    worker = _Worker(dynamodb, 0)
    assert isinstance(worker.store.claim(_claim(ME, dynamodb.key)), Absent)
    assert dynamodb.stored() == expired
    assert isinstance(worker.store.claim(_claim(ME, dynamodb.key)), Applied)


def test_a_checked_clock_claims_an_expired_record_at_once(dynamodb: DynamoDBHarness) -> None:
    _completed(dynamodb, expires=-20_000)
    worker = _Worker(dynamodb, 0)
    worker.store.read(new_key())
    assert isinstance(worker.store.claim(_claim(ME, dynamodb.key)), Applied)


@_ANY_CLOCK
def test_an_answer_is_recorded_over_an_expired_record_once_the_clock_is_confirmed(
    dynamodb: DynamoDBHarness, skew: int
) -> None:
    _completed(dynamodb, expires=-20_000)
    store = _Worker(dynamodb, skew).store
    # A call that failed open: its claim never reached the server, so no response checked the clock.
    completion = Completion(
        key=dynamodb.key, owner=ME, attempt=1, expires_after_ms=EXPIRES_AFTER, data='"answer"'
    )
    assert isinstance(store.complete(completion), Absent)
    assert isinstance(store.complete(completion), Applied)


# The lease that is written ------------------------------------------------------------------------


@_ANY_CLOCK
def test_the_first_lease_ends_by_the_servers_time(dynamodb: DynamoDBHarness, skew: int) -> None:
    _Worker(dynamodb, skew).claim()


@_SKEWED
def test_the_first_lease_of_a_skewed_clock_is_written_twice(
    dynamodb: DynamoDBHarness, skew: int
) -> None:
    worker = _Worker(dynamodb, skew)
    worker.claim()
    assert worker.client.puts == 2
    worker.claim(new_key())
    assert worker.client.puts == 3


def test_the_first_lease_of_a_good_clock_is_written_once(dynamodb: DynamoDBHarness) -> None:
    worker = _Worker(dynamodb, 0)
    worker.claim()
    assert worker.client.puts == 1


@_SKEWED
def test_later_leases_end_by_the_servers_time(dynamodb: DynamoDBHarness, skew: int) -> None:
    worker = _Worker(dynamodb, skew)
    worker.store.read(new_key())
    worker.claim()


@_ANY_CLOCK
def test_an_answer_expires_by_the_servers_time(dynamodb: DynamoDBHarness, skew: int) -> None:
    started = dynamodb.now()
    assert _Worker(dynamodb, skew).call() == Executed("answer")
    ended = dynamodb.now()
    stored = dynamodb.stored()
    assert stored is not None
    uncertainty = 2000 + (ended - started)
    assert abs(stored.expiration * 1000 - (started + EXPIRES_AFTER)) <= uncertainty


def test_a_lease_written_in_the_past_is_not_written_again_once_it_was_taken_over(
    dynamodb: DynamoDBHarness,
) -> None:
    worker = _Worker(dynamodb, BEHIND)

    def take_over() -> None:
        reply = dynamodb.store.read(dynamodb.key)
        assert isinstance(reply, Conflict)
        assert isinstance(dynamodb.store.claim(_claim(OTHER, dynamodb.key), reply.record), Applied)

    worker.client.after[1] = take_over
    assert isinstance(worker.call(), InProgress)
    assert worker.runs == []
    stored = dynamodb.stored()
    assert stored is not None
    assert stored.owner == OTHER


@_ANY_CLOCK
def test_two_first_leases_at_once_both_end_by_the_servers_time(
    dynamodb: DynamoDBHarness, skew: int
) -> None:
    worker = _Worker(dynamodb, skew)
    other_key = new_key()
    # Another thread's first claim is answered while this one's is on its way.
    worker.client.before[1] = lambda: worker.claim(other_key)
    worker.claim()


def test_a_clock_corrected_after_a_reading_does_not_confirm_that_reading(
    dynamodb: DynamoDBHarness,
) -> None:
    held = _in_progress(dynamodb, lease=40_000, expires=45_000)
    worker = _Worker(dynamodb, AHEAD)
    # Another thread's first answer arrives just after this one has read the clock.
    worker.store._clock = _InterruptedClock(
        lambda: time.time() + AHEAD, lambda: worker.store.read(new_key())
    )
    assert isinstance(worker.call(), InProgress)
    assert worker.runs == []
    assert dynamodb.stored() == held


# A clock that is set while the worker runs --------------------------------------------------------

HOUR: Final = 3600


class _Set:
    """A wall clock that can be set."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> float:
        return time.time() + self.ahead


def _warm(dynamodb: DynamoDBHarness, wall: _Set) -> _Worker:
    """Return a worker whose clock a response has confirmed."""
    worker = _Worker(dynamodb, 0)
    worker.store = DynamoDBStore(dynamodb.table, client=worker.client, clock=wall)
    worker.store.read(new_key())
    return worker


_STEPS = pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["ahead", "back"])


@_STEPS
def test_a_step_between_two_calls_forgets_no_answer(dynamodb: DynamoDBHarness, step: int) -> None:
    answer, wall = _completed(dynamodb, expires=45_000), _Set()
    worker = _warm(dynamodb, wall)
    wall.ahead = step
    assert worker.call() == Replayed(answer)
    assert worker.runs == []


@_STEPS
def test_a_step_while_a_claim_is_under_way_ends_no_lease(
    dynamodb: DynamoDBHarness, step: int
) -> None:
    held, wall = _in_progress(dynamodb, lease=40_000, expires=EXPIRES_AFTER), _Set()
    worker = _warm(dynamodb, wall)
    worker.client.before[1] = lambda: setattr(wall, "ahead", step)
    assert isinstance(worker.call(), InProgress)
    assert worker.runs == []
    assert worker.client.puts == 1
    assert dynamodb.stored() == held


@_STEPS
def test_a_step_while_a_read_is_under_way_forgets_no_answer(
    dynamodb: DynamoDBHarness, step: int
) -> None:
    answer, wall = _completed(dynamodb, expires=45_000), _Set()
    store = _warm(dynamodb, wall).store

    class Stepping:
        def get_item(self, **request: Any) -> Any:
            wall.ahead = step
            return dynamodb.client.get_item(**request)

    store._brought = Stepping()
    found = store.read(dynamodb.key)
    assert isinstance(found, Conflict)
    assert found.record == answer


@_STEPS
def test_a_lease_written_across_a_step_ends_by_the_servers_time(
    dynamodb: DynamoDBHarness, step: int
) -> None:
    wall = _Set()
    worker = _warm(dynamodb, wall)
    worker.client.before[1] = lambda: setattr(wall, "ahead", step)
    worker.claim()


@_STEPS
def test_a_lease_after_a_step_ends_by_the_servers_time(
    dynamodb: DynamoDBHarness, step: int
) -> None:
    wall = _Set()
    worker = _warm(dynamodb, wall)
    wall.ahead = step
    worker.claim()


def test_an_answer_is_kept_although_the_clock_is_set_back_while_the_handler_runs(
    dynamodb: DynamoDBHarness,
) -> None:
    wall, started = _Set(), dynamodb.now()
    worker = _warm(dynamodb, wall)
    worker.claim()
    wall.ahead = -2 * EXPIRES_AFTER // 1000
    completion = Completion(
        key=dynamodb.key, owner=ME, attempt=1, expires_after_ms=EXPIRES_AFTER, data='"answer"'
    )
    assert isinstance(worker.store.complete(completion), Applied)
    stored = dynamodb.stored()
    assert stored is not None
    assert stored.expiration * 1000 >= started + EXPIRES_AFTER - 1000
