"""Heartbeats: leases of open calls are renewed, by one thread, for as long as they are open."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kit.batches import batch, sqs
from kit.clocks import ProcessClocks
from lambda_idempotency import (
    MemoryStore,
    current,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.drivers import heartbeat as module
from lambda_idempotency.drivers.heartbeat import Heartbeat, begin, heart
from lambda_idempotency.drivers.requests import ask
from lambda_idempotency.protocol.heartbeat import renewals
from lambda_idempotency.protocol.record import Applied, Claim, Conflict, Reply
from lambda_idempotency.protocol.steps import SendClaim

CLAIM = Claim(key="shop#1", owner="a" * 32, lease_ms=30_000, expires_after_ms=60_000)
PATIENCE = 30
"""Seconds after which a test gives up waiting for a condition."""
SHORT: dict[str, Any] = {"lease": 0.06, "heartbeat": True}


class Beaten(MemoryStore):
    """A store that counts renewals. `fails`: the next ones fail."""

    def __init__(self) -> None:
        super().__init__()
        self.renewals: list[Claim] = []
        self.fails = 0
        self.beaten = threading.Condition()

    def renew(self, claim: Claim) -> Reply:
        with self.beaten:
            self.renewals.append(claim)
            self.beaten.notify_all()
        if self.fails:
            self.fails -= 1
            raise OSError("down")
        return super().renew(claim)

    def wait_for(self, number: int) -> None:
        """Wait until so many renewals were asked for."""
        with self.beaten:
            assert self.beaten.wait_for(lambda: len(self.renewals) >= number, PATIENCE)


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.001)


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "lambda_idempotency heartbeat"]


@pytest.fixture
def store() -> Beaten:
    return Beaten()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Check that no thread outlives the calls."""
    yield
    until(lambda: not threads())


# Calls --------------------------------------------------------------------------------------------


def test_a_handler_that_outlives_its_lease_keeps_it(store: Beaten) -> None:
    @idempotent(store=store, **SHORT)
    def handler(event: Any, context: Any) -> str:
        store.wait_for(4)
        return "answer"

    assert handler({"id": 1}, None) == "answer"
    assert handler({"id": 1}, None) == "answer"
    assert len({claim.owner for claim in store.renewals}) == 1


def test_an_async_handler_that_blocks_its_loop_keeps_its_lease(store: Beaten) -> None:
    @idempotent(store=store, **SHORT)
    async def handler(event: Any, context: Any) -> str:
        store.wait_for(4)  # blocks the event loop
        return "answer"

    assert handler({"id": 1}, None) == "answer"


def test_an_async_function_keeps_its_lease(store: Beaten) -> None:
    @idempotent_function(store=store, name="charge", **SHORT)
    async def charge(order: int) -> str:
        await asyncio.to_thread(store.wait_for, 4)
        return "answer"

    assert asyncio.run(charge(1)) == "answer"


@pytest.mark.parametrize("kind", ["handler", "batch"])
def test_renewals_carry_the_steps_so_far(store: Beaten, kind: str) -> None:
    def work() -> None:
        current().step("one", lambda: 1)
        store.wait_for(len(store.renewals) + 3)
        current().step("two", lambda: 2)
        raise ValueError("asked to")

    if kind == "handler":
        with pytest.raises(ValueError, match="asked to"):
            idempotent(store=store, **SHORT)(lambda event, _: work())({"id": 1}, None)
    else:

        @idempotent_records(store=store, **SHORT)
        def handler(record: Any, context: Any) -> None:
            work()

        assert handler(batch(sqs("1")), None)["batchItemFailures"]
    [record] = store.records().values()
    assert record.steps == '{"one":["1"],"two":["2"]}'
    assert record.given_up


def test_no_renewal_is_sent_while_a_recovery_point_is_under_way(store: Beaten) -> None:
    class Busy:
        asked = 0

        def stamped(self, claim: Claim) -> Claim | None:
            self.asked += 1
            return None

        def leased(self, asked: Any, lease_ms: int) -> None:
            raise AssertionError("nothing was renewed")

    busy = Busy()
    Heartbeat(renewals(CLAIM, 1), store, renewed=busy).beat()
    assert busy.asked == 1
    assert store.renewals == []


def test_each_record_of_a_batch_has_its_own_heartbeat(store: Beaten) -> None:
    @idempotent_records(store=store, **SHORT)
    def handler(record: Any, context: Any) -> None:
        store.wait_for(len(store.renewals) + 2)

    records = [
        {"eventSource": "aws:sqs", "eventSourceARN": "arn", "messageId": name, "body": "{}"}
        for name in "ab"
    ]
    assert handler({"Records": records}, None) == {"batchItemFailures": []}
    keys = [claim.key for claim in store.renewals]
    assert keys == sorted(keys, key=keys.index)
    assert len(set(keys)) == 2


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_call_that_raises_has_no_heartbeat_left(
    store: Beaten, error: type[BaseException]
) -> None:
    @idempotent_function(store=store, name="charge", **SHORT)
    def charge(order: int) -> None:
        store.wait_for(1)
        raise error

    with pytest.raises(error):
        charge(1)
    until(lambda: not threads())  # it ends when no call is open


def test_a_heartbeat_ends_with_its_call_also_where_no_reply_would_end_it(store: Beaten) -> None:
    store.fails = 1_000_000

    @idempotent_function(store=store, name="charge", **SHORT)
    def charge(order: int) -> None:
        store.wait_for(1)

    charge(1)
    until(lambda: not threads())


def test_a_call_that_is_cancelled_has_no_heartbeat_left(store: Beaten) -> None:
    @idempotent_function(store=store, name="charge", **SHORT)
    async def charge(order: int) -> None:
        await asyncio.Event().wait()

    async def cancelled() -> None:
        task = asyncio.create_task(charge(1))
        await asyncio.to_thread(store.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    until(lambda: not threads())


def test_a_call_in_a_signal_handler_has_a_heartbeat_too(store: Beaten) -> None:
    @idempotent_function(store=store, name="charge", **SHORT)
    def charge(order: int) -> str:
        if order == 1:
            signal.raise_signal(signal.SIGUSR1)
        store.wait_for(len(store.renewals) + 2)
        return "answer"

    before = signal.signal(signal.SIGUSR1, lambda *_: charge(2))
    try:
        assert charge(1) == "answer"
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len({claim.key for claim in store.renewals}) == 2


# Renewals -----------------------------------------------------------------------------------------


def test_a_renewal_that_fails_is_tried_again(store: Beaten) -> None:
    store.fails = 2

    @idempotent_function(store=store, name="charge", lease=0.3, heartbeat=True)
    def charge(order: int) -> str:
        store.wait_for(4)
        return "answer"

    assert charge(1) == "answer"


def test_a_lease_that_is_lost_is_not_renewed_again(store: Beaten) -> None:
    ask(store, SendClaim(CLAIM._replace(owner="b" * 32)))
    beat = Heartbeat(renewals(CLAIM, 30_000), store)
    beat.beat()
    assert beat.is_over
    assert isinstance(store.read(CLAIM.key), Conflict)


@pytest.mark.parametrize("clock", ["steady", "wall"])
def test_a_process_that_stood_still_renews_at_once(store: Beaten, clock: str) -> None:
    """A frozen sandbox's monotonic clock stands still; a clock that is set back loses time."""
    clocks = ProcessClocks()
    beat = Heartbeat(renewals(CLAIM, 30_000), store, clocks.moment)
    getattr(clocks, clock).advance(9)
    assert beat.due_in_ms() > 0
    getattr(clocks, clock).advance(1)
    assert beat.due_in_ms() <= 0


def test_a_heartbeat_tells_when_it_last_renewed(store: Beaten) -> None:
    ask(store, SendClaim(CLAIM))
    beat = Heartbeat(renewals(CLAIM, 30_000), store)
    assert beat.renewed_at is None
    beat.beat()
    reply = store.renew(CLAIM)
    assert isinstance(reply, Applied)
    assert beat.renewed_at is not None
    assert beat.renewed_at <= reply.now


def test_a_slow_renewal_holds_up_no_other(store: Beaten) -> None:
    release = threading.Event()

    class Slow(MemoryStore):
        def renew(self, claim: Claim) -> Reply:
            release.wait(PATIENCE)
            return super().renew(claim)

    slow: Any = idempotent_function(store=Slow(), name="slow", **SHORT)(
        lambda order: store.wait_for(3)
    )
    fast: Any = idempotent_function(store=store, name="fast", **SHORT)(lambda order: slow(1))
    fast(1)
    release.set()


# The thread ---------------------------------------------------------------------------------------


def test_a_renewal_may_take_no_longer_than_its_pause() -> None:
    left: list[float] = []

    class Slow(MemoryStore):
        """A store that looks how long it may take."""

        def renew(self, claim: Claim) -> Reply:
            left.append(deadline.current(3600).left())
            return super().renew(claim)

    store = Slow()
    store.claim(CLAIM)
    Heartbeat(renewals(CLAIM, CLAIM.lease_ms), store).beat()
    assert 0 < left[0] <= CLAIM.lease_ms / 1000


def test_all_calls_share_one_thread(store: Beaten) -> None:
    found: list[int] = []

    @idempotent_function(store=store, name="charge", heartbeat=True)
    def charge(order: int) -> None:
        if order:
            charge(order - 1)
        found.append(len(threads()))

    charge(3)
    assert found == [1, 1, 1, 1]


def test_a_call_without_a_heartbeat_starts_no_thread(store: Beaten) -> None:
    charge: Any = idempotent_function(store=store, lease=60, name="charge")(
        lambda order: len(threads())
    )
    assert charge(1) == 0


def test_a_call_runs_although_no_thread_can_be_started(
    store: Beaten, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_started", lambda thread: False)
    charge: Any = idempotent_function(store=store, name="charge")(lambda order: "answer")
    assert charge(1) == "answer"


def test_a_forks_child_has_none_of_its_parents_heartbeats(store: Beaten) -> None:
    heart_, reader_writer = heart(), os.pipe()
    beat = begin(CLAIM, 30_000, store)
    with heart_._changed:  # as if the thread held the lock when the process is forked
        child = os.fork()
        if child == 0:
            own = begin(CLAIM, 30_000, store)
            fine = heart()._open == [own] and heart()._thread is not None
            os.write(reader_writer[1], b"fine" if fine else b"shared")
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader_writer[0], 10) == b"fine"
    assert beat in heart_._open
    beat.stop()
    for end in reader_writer:
        os.close(end)
