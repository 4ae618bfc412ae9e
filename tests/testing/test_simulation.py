"""Accidents on demand: each leaves the records that the real one would."""

from __future__ import annotations

from typing import Any

import pytest

from lambda_idempotency import (
    ConfigurationError,
    MemoryStore,
    current,
    idempotent,
    idempotent_function,
)
from lambda_idempotency.testing import Clock, LambdaContext, Simulation, sample

EVENT = {"id": 1}


class Payments:
    """A handler that counts its effects, and tells its attempt."""

    def __init__(self, store: MemoryStore) -> None:
        self.effects = 0
        self.handler = idempotent(store=store)(self.handle)

    def handle(self, event: Any, context: Any) -> dict[str, int]:
        self.effects += 1
        return {"attempt": current().attempt}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(Clock())


@pytest.fixture
def payments(store: MemoryStore) -> Payments:
    return Payments(store)


@pytest.fixture
def simulate(store: MemoryStore) -> Simulation:
    return Simulation(store)


def test_a_duplicate_gets_the_first_answer(simulate: Simulation, payments: Payments) -> None:
    first, again = simulate.duplicate(payments.handler, EVENT, LambdaContext())
    assert first == again == {"attempt": 1}
    assert payments.effects == 1


def test_the_attempt_after_a_crash_takes_over(simulate: Simulation, payments: Payments) -> None:
    simulate.crash(payments.handler, EVENT)
    assert payments.handler(EVENT) == {"attempt": 2}
    assert payments.effects == 2


def test_after_a_crash_the_steps_before_it_are_kept(
    simulate: Simulation, store: MemoryStore
) -> None:
    charged: list[int] = []

    def handle(event: Any, context: Any) -> None:
        current().step("charge", lambda: charged.append(event["id"]))

    handler = idempotent(store=store)(handle)
    simulate.crash(handler, EVENT)
    handler(EVENT)
    assert charged == [1]


def test_a_call_that_is_replayed_cannot_crash(simulate: Simulation, payments: Payments) -> None:
    payments.handler(EVENT)
    with pytest.raises(AssertionError, match="the call did not run"):
        simulate.crash(payments.handler, EVENT)
    assert payments.handler(EVENT) == {"attempt": 1}


def test_a_lost_reply_costs_nobody_an_answer(
    simulate: Simulation, payments: Payments, slept: list[float]
) -> None:
    assert simulate.lost_reply(payments.handler, EVENT) == {"attempt": 1}
    assert len(slept) == 1
    assert payments.handler(EVENT) == {"attempt": 1}
    assert payments.effects == 1


def test_after_the_expiry_the_request_runs_again(simulate: Simulation, payments: Payments) -> None:
    payments.handler(EVENT)
    simulate.expiry()
    payments.handler(EVENT)
    assert payments.effects == 2


def test_functions_meet_accidents_too(simulate: Simulation, store: MemoryStore) -> None:
    charge = idempotent_function(store=store, key="n", name="charge")(lambda n: n)
    simulate.crash(charge, n=5)
    assert simulate.duplicate(charge, n=5) == (5, 5)


def test_the_records_can_be_seen_and_forgotten(simulate: Simulation, payments: Payments) -> None:
    payments.handler(EVENT)
    [record] = simulate.stores.records().values()
    assert record.status == "COMPLETED"
    simulate.stores.clear()
    assert simulate.stores.records() == {}


def test_stores_that_the_environment_chose_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDEMPOTENCY_STORE", "memory")
    handler = idempotent(lambda event, context: event)
    simulate = Simulation()
    handler(EVENT)
    assert handler.record_id(EVENT) in simulate.stores.records()
    simulate.stores.clear()


def test_a_context_tells_its_time_and_its_tenant() -> None:
    context = LambdaContext(tenant_id="t", remaining_ms=5000)
    assert context.get_remaining_time_in_millis() == 5000
    assert context.invoked_function_arn.endswith(":function:function")


def test_a_sample_of_a_source_is_its_event_and_a_redelivery() -> None:
    queue = sample("SQS")
    assert queue.event["Records"][0]["eventSource"] == "aws:sqs"
    assert queue.redelivered() != queue.event
    other = queue.with_values(**{"Records/0/body": "{}"})
    assert other["Records"][0]["body"] == "{}"


def test_an_unknown_source_is_named_with_the_nearest() -> None:
    with pytest.raises(
        ConfigurationError, match=r"keys.md has no source 'SQSS'; did you mean 'SQS'"
    ):
        sample("SQSS")
