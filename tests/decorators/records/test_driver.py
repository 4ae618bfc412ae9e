"""The requests that a batch makes to its store, and their order."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from kit.batches import Orders, Record, batch, failures, sqs
from kit.clocks import ManualClock
from kit.counted import CountedStore, PairingStore
from lambda_idempotency import MemoryStore, idempotent_records
from lambda_idempotency.drivers import aio, sync
from lambda_idempotency.protocol.batch import BatchCall, run_batch
from lambda_idempotency.protocol.machine import run_once
from lambda_idempotency.protocol.record import Claim, Completion, Reply
from lambda_idempotency.protocol.steps import Call, Executed, Outcome, Returned

PAIR = "complete + claim"


class Context:
    """A Lambda context whose time passes with a clock."""

    def __init__(self, clock: ManualClock, seconds: float = 30) -> None:
        self._clock = clock
        self._ends = clock() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return round((self._ends - self._clock()) * 1000)


@pytest.fixture
def pairing(clock: ManualClock) -> PairingStore:
    return PairingStore(clock)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = partial(sync.drive_batch, sleep=lambda _: None)
    monkeypatch.setattr(sync, "drive_batch", drive)


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    async def no_sleep(_: float) -> None: ...

    drive = partial(aio.drive_batch, sleep=no_sleep)
    monkeypatch.setattr(aio, "drive_batch", drive)
    return str(request.param)


def handler_of(kind: str, store: MemoryStore, orders: Any, **options: Any) -> Any:
    async def handler(record: Record, context: Any) -> None:
        orders(record, context)

    return idempotent_records(store=store, **options)(orders if kind == "sync" else handler)


# What is sent -------------------------------------------------------------------------------------


def test_a_completion_travels_with_the_next_claim(pairing: PairingStore, kind: str) -> None:
    handler_of(kind, pairing, Orders())(batch(*map(sqs, "123")), None)
    assert pairing.sent == ["claim", PAIR, PAIR, "complete"]


def test_a_store_that_cannot_pair_is_asked_one_after_the_other(
    clock: ManualClock, kind: str
) -> None:
    store = CountedStore(clock)
    handler_of(kind, store, Orders())(batch(*map(sqs, "12")), None)
    assert store.sent == ["claim", "complete", "claim", "complete"]


def test_a_duplicate_takes_no_completion_with_it(pairing: PairingStore, kind: str) -> None:
    handler = handler_of(kind, pairing, Orders())
    handler(batch(sqs("2")), None)
    pairing.sent.clear()
    handler(batch(*map(sqs, "123")), None)
    assert pairing.sent == ["claim", PAIR, "claim", "complete"]


def test_a_failure_is_released_before_the_next_claim(pairing: PairingStore, kind: str) -> None:
    handler_of(kind, pairing, Orders("1"))(batch(*map(sqs, "12")), None)
    assert pairing.sent == ["claim", "release", "claim", "complete"]


def test_a_completion_waits_past_a_record_without_a_key(pairing: PairingStore, kind: str) -> None:
    records = (sqs("1", {"id": 1}), sqs("2"), sqs("3", {"id": 3}))
    handler_of(kind, pairing, Orders(), key="body.id")(batch(*records), None)
    assert pairing.sent == ["claim", PAIR, "complete"]


def test_a_completion_is_sent_before_the_claim_of_its_own_key(
    pairing: PairingStore, kind: str
) -> None:
    orders = Orders()
    records = (sqs("1", {"id": 1}), sqs("2", {"id": 1}))
    handler_of(kind, pairing, orders, key="body.id")(batch(*records), None)
    assert pairing.sent == ["claim", "complete", "claim"]
    assert orders.done == ["1"]


def test_a_completion_is_sent_before_an_unprotected_run(pairing: PairingStore, kind: str) -> None:
    sent: list[list[str]] = []
    records = (sqs("1", {"id": 1}), sqs("2"))
    options = {"key": "body.id", "on_missing_key": "bypass"}
    handler_of(kind, pairing, lambda *_: sent.append(list(pairing.sent)), **options)(
        batch(*records), None
    )
    assert sent == [["claim"], ["claim", "complete"]]


def test_a_completion_is_sent_before_a_run_that_failed_open(
    pairing: PairingStore, kind: str
) -> None:
    sent: list[list[str]] = []
    pairing.lost = {2: False}
    handler_of(kind, pairing, lambda *_: sent.append(list(pairing.sent)), fail_open=True)(
        batch(*map(sqs, "12")), None
    )
    assert sent == [["claim"], ["claim", PAIR]]


def test_nothing_is_claimed_before_the_record_before_it_has_run(
    pairing: PairingStore, kind: str
) -> None:
    claims: list[int] = []
    handler_of(
        kind, pairing, lambda *_: claims.append(sum("claim" in sent for sent in pairing.sent))
    )(batch(*map(sqs, "123")), None)
    assert claims == [1, 2, 3]


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize("number", range(8))
def test_whatever_is_lost_each_record_has_one_effect(
    pairing: PairingStore, kind: str, number: int, *, takes_effect: bool
) -> None:
    orders = Orders()
    handler = handler_of(kind, pairing, orders)
    pairing.lost = {number: takes_effect}
    event = batch(*map(sqs, "123"))
    for _ in range(3):
        failed = failures(handler(event, None))
        pairing.lost = {}
    assert failed == []
    assert sorted(orders.done) == ["1", "2", "3"]


def test_a_completion_that_fails_is_sent_again_before_the_next_run(
    pairing: PairingStore, kind: str
) -> None:
    pairing.lost = {1: False}
    sent: list[list[str]] = []
    handler_of(kind, pairing, lambda *_: sent.append(list(pairing.sent)))(
        batch(*map(sqs, "12")), None
    )
    assert sent == [["claim"], ["claim", PAIR, "complete"]]


def test_a_completion_that_is_lost_for_good_is_no_failure(pairing: PairingStore, kind: str) -> None:
    orders = Orders()
    handler = handler_of(kind, pairing, orders)
    pairing.lost = dict.fromkeys([1, *range(3, 99)], False)
    assert failures(handler(batch(*map(sqs, "12")), None)) == []
    assert orders.done == ["1", "2"]


def test_a_store_that_fails_at_pairing_has_failed_at_both(
    pairing: PairingStore, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(completion: Completion, claim: Claim) -> Any:
        raise ConnectionError

    monkeypatch.setattr(pairing, "complete_and_claim", fail)
    orders = Orders()
    assert failures(handler_of(kind, pairing, orders)(batch(*map(sqs, "12")), None)) == ["2"]
    assert pairing.sent == ["claim", "complete", "release"]
    assert orders.done == ["1"]


def test_writes_that_are_to_be_committed_do_not_wait(clock: ManualClock) -> None:
    store = PairingStore(clock)
    calls = [Call(key, "a" * 32, 1000, 1000) for key in ("shop#1", "shop#2")]
    batch_calls = [
        BatchCall(
            number,
            call.key,
            run_once(call),
            remaining=lambda: 1000,
            run=partial(lambda result, _: Returned(result, writes=({"Put": {}},)), number),
        )
        for number, call in enumerate(calls)
    ]
    ended: list[Outcome] = []
    sync.drive_batch(run_batch(batch_calls, lambda _, outcome: ended.append(outcome)), store=store)
    assert store.sent == ["claim", "complete", "claim", "complete"]
    assert ended == [Executed(0), Executed(1)]


def test_a_lease_is_measured_when_its_record_is_claimed(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payments")  # the timeout ends an attempt
    leases: list[int] = []

    class Leases(MemoryStore):
        def claim(self, claim: Claim, seen: Any = None) -> Reply:
            leases.append(claim.lease_ms)
            return super().claim(claim, seen)

    @idempotent_records(store=Leases(clock))
    def handler(record: Record, context: Any) -> None:
        clock.advance(4)

    handler(batch(*map(sqs, "123")), Context(clock))
    assert leases == [32_000, 28_000, 24_000]


def test_a_record_whose_lease_ended_on_the_way_is_not_run(
    clock: ManualClock, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(PairingStore):
        def complete_and_claim(self, completion: Completion, claim: Claim) -> Any:
            replies = super().complete_and_claim(completion, claim)
            clock.advance(2)
            return replies

    for driver in (sync, aio):
        timed = partial(driver.drive_batch, moment=clock.moment)
        monkeypatch.setattr(driver, "drive_batch", timed)
    store, orders = Slow(clock), Orders()
    handler = handler_of(kind, store, orders, lease=2)
    assert failures(handler(batch(*map(sqs, "12")), None)) == ["2"]
    assert (store.sent, orders.done) == (["claim", PAIR, "release"], ["1"])
    assert failures(handler(batch(sqs("2")), None)) == []
    assert orders.done == ["1", "2"]


# What interrupts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_an_exit_goes_on_and_leaves_no_completion_behind(
    pairing: PairingStore, error: BaseException
) -> None:
    orders = Orders()
    orders.poisoned["2"] = error
    handler = idempotent_records(store=pairing)(orders)
    with pytest.raises(type(error)):
        handler(batch(*map(sqs, "123")), None)
    assert pairing.sent == ["claim", PAIR, "release"]
    orders.poisoned.clear()
    assert failures(handler(batch(*map(sqs, "123")), None)) == []
    assert orders.done == ["1", "2", "3"]


def test_an_exit_of_a_key_leaves_no_completion_behind(pairing: PairingStore) -> None:
    def key(record: Any) -> Any:
        if record["messageId"] == "2":
            raise SystemExit(1)
        return record["messageId"]

    handler = idempotent_records(store=pairing, key=key)(Orders())
    with pytest.raises(SystemExit):
        handler(batch(*map(sqs, "12")), None)
    assert pairing.sent == ["claim", "complete"]


def test_an_interrupt_between_two_records_leaves_no_completion_behind(
    pairing: PairingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(completion: Completion, claim: Claim) -> Any:
        pairing.sent.append("interrupted")
        raise KeyboardInterrupt

    monkeypatch.setattr(pairing, "complete_and_claim", interrupted)
    orders = Orders()
    with pytest.raises(KeyboardInterrupt):
        idempotent_records(store=pairing)(orders)(batch(*map(sqs, "12")), None)
    assert pairing.sent == ["claim", "interrupted", "complete"]
    assert orders.done == ["1"]
