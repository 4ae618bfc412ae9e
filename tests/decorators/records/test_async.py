"""Async handlers of records: they share one loop, and no completion is left behind."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from kit.batches import Record, batch, failures, sqs
from kit.clocks import ManualClock
from kit.counted import PairingStore
from lambda_idempotency import ConfigurationError, current, idempotent_records
from lambda_idempotency.protocol.record import Claim, Completion, Reply


@pytest.fixture
def pairing(clock: ManualClock) -> PairingStore:
    return PairingStore(clock)


def test_every_record_runs_on_the_same_loop(pairing: PairingStore) -> None:
    loops = set()

    @idempotent_records(store=pairing)
    async def handler(record: Record, context: Any) -> None:
        await asyncio.sleep(0)
        loops.add(asyncio.get_running_loop())

    for items in ("12", "34"):
        handler(batch(*map(sqs, items)), None)
    assert len(loops) == 1


def test_the_current_attempt_is_the_record_s(pairing: PairingStore) -> None:
    keys: set[str] = set()

    @idempotent_records(store=pairing)
    async def handler(record: Record, context: Any) -> None:
        keys.add(current().key)
        await asyncio.sleep(0)
        keys.add(current().key)

    handler(batch(*map(sqs, "12")), None)
    assert len(keys) == 2


def test_a_record_that_raises_fails_alone(pairing: PairingStore) -> None:
    @idempotent_records(store=pairing)
    async def handler(record: Record, context: Any) -> None:
        if record["messageId"] == "2":
            raise ValueError("a bug")

    assert failures(handler(batch(*map(sqs, "123")), None)) == ["2"]


def test_an_interrupt_while_a_record_runs_releases_it(pairing: PairingStore) -> None:
    @idempotent_records(store=pairing)
    async def handler(record: Record, context: Any) -> None:
        if record["messageId"] == "2":
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        handler(batch(*map(sqs, "123")), None)
    assert pairing.sent == ["claim", "complete + claim", "release"]


def test_an_interrupt_between_two_records_leaves_no_completion_behind(clock: ManualClock) -> None:
    class Interrupting(PairingStore):
        def complete_and_claim(
            self, completion: Completion, claim: Claim
        ) -> tuple[Reply | Exception, Reply | Exception]:
            self.sent.append("interrupted")
            signal.raise_signal(signal.SIGINT)
            return ConnectionError(), ConnectionError()

    store = Interrupting(clock)
    started = []

    @idempotent_records(store=store)
    async def handler(record: Record, context: Any) -> None:
        started.append(record["messageId"])

    with pytest.raises(KeyboardInterrupt):
        handler(batch(*map(sqs, "12")), None)
    assert store.sent == ["claim", "interrupted", "complete"]
    assert started == ["1"]


def test_an_async_handler_cannot_be_called_in_a_loop(pairing: PairingStore) -> None:
    @idempotent_records(store=pairing)
    async def handler(record: Record, context: Any) -> None: ...

    async def call() -> None:
        handler(batch(sqs("1")), None)

    with pytest.raises(ConfigurationError, match="inside an event loop"):
        asyncio.run(call())
