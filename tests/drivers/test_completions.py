"""A completion is always sent once: the fence decides about it, not the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from kit.harnesses import light_client
from kit.network.fault_server import SILENCE, FaultServer, answer
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.drivers import aio, requests
from lambda_idempotency.protocol.record import Applied, Claim, Completion, Conflict
from lambda_idempotency.protocol.steps import (
    Complete,
    CompleteAndClaim,
    Failed,
    PairResult,
    SendClaim,
    StepResult,
)
from lambda_idempotency.stores.dynamodb import DynamoDBStore

KEY: Final = "shop#1"
COMPLETION: Final = Completion(key=KEY, owner="a" * 32, attempt=1, expires_after_ms=5000, data="1")
CLAIM: Final = Claim(key="shop#2", owner="b" * 32, lease_ms=1000, expires_after_ms=5000)


@pytest.fixture
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payments")
    monkeypatch.delenv("AWS_LAMBDA_MAX_CONCURRENCY", raising=False)


@pytest.fixture(params=["outside of Lambda", "several invocations at once"])
def lives_on(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    if request.param == "several invocations at once":
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payments")
        monkeypatch.setenv("AWS_LAMBDA_MAX_CONCURRENCY", "10")


@pytest.fixture
def store() -> Iterator[tuple[DynamoDBStore, FaultServer]]:
    """Yield a store over the runtime's own client, and its server."""
    with FaultServer() as server:
        client = light_client(server.endpoint)
        yield DynamoDBStore("records", client=client), server
        client.close()


def _blocking(store: DynamoDBStore, step: SendClaim | Complete) -> StepResult:
    token = deadline.start(-1)
    try:
        return requests.ask_surely(store, step, lambda: 0)
    finally:
        deadline.end(token)


def _on_a_loop(store: DynamoDBStore, step: SendClaim | Complete) -> StepResult:
    async def ask() -> StepResult:
        return await aio.CancellationShield(store, lambda: -1, asyncio.sleep).ask(step)

    return asyncio.run(ask())


BOTH: Final = pytest.mark.parametrize("ask", [_blocking, _on_a_loop], ids=["sync", "async"])
Ask = Callable[[DynamoDBStore, Any], StepResult]


@BOTH
@pytest.mark.usefixtures("lives_on")
def test_where_the_process_lives_on_a_late_completion_is_answered(
    store: tuple[DynamoDBStore, FaultServer], ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "COMPLETION_S", 30.0)  # a busy machine may take the second
    assert isinstance(ask(store[0], Complete(COMPLETION)), Applied)


@BOTH
@pytest.mark.usefixtures("in_lambda")
def test_where_the_process_is_killed_a_late_completion_is_sent_over_an_open_connection(
    store: tuple[DynamoDBStore, FaultServer], ask: Ask
) -> None:
    records, server = store
    records.read(KEY)
    server.script(SILENCE)
    assert isinstance(ask(records, Complete(COMPLETION)), Failed)
    server.wait_requests(2)
    assert server.requests[-1].parsed["Item"]["status"] == {"S": "COMPLETED"}
    assert server.opened == 1


@BOTH
@pytest.mark.usefixtures("in_lambda")
def test_where_the_process_is_killed_a_late_completion_opens_no_connection(
    store: tuple[DynamoDBStore, FaultServer], ask: Ask
) -> None:
    records, server = store
    assert isinstance(ask(records, Complete(COMPLETION)), Failed)
    assert server.opened == 0


@pytest.mark.usefixtures("in_lambda")
def test_an_answer_that_was_not_awaited_is_given_to_nobody(
    store: tuple[DynamoDBStore, FaultServer],
) -> None:
    records, server = store
    records.read(KEY)
    server.script(SILENCE)
    _blocking(records, Complete(COMPLETION))
    server.wait_requests(2)
    other = {"status": {"S": "COMPLETED"}, "owner": {"S": "c"}, "attempt": {"N": "1"}}
    item = {**other, "id": {"S": KEY}, "expiration": {"N": "9999999999"}, "data": {"S": "third"}}
    server.script(answer({"Item": item}))
    found = records.read(KEY)
    assert isinstance(found, Conflict)
    assert found.record.data == "third"
    assert server.opened == 2


@BOTH
def test_a_late_claim_is_not_sent(store: tuple[DynamoDBStore, FaultServer], ask: Ask) -> None:
    records, server = store
    records.read(KEY)
    assert isinstance(ask(records, SendClaim(CLAIM)), Failed)
    assert len(server.requests) == 1


@pytest.mark.usefixtures("lives_on")
def test_a_late_completion_is_answered_beside_a_claim(
    store: tuple[DynamoDBStore, FaultServer],
) -> None:
    token = deadline.start(-1)
    both = requests.complete_and_claim(store[0], CompleteAndClaim(COMPLETION, CLAIM), lambda: 0)
    deadline.end(token)
    assert isinstance(both, PairResult)
    assert isinstance(both.completed, Applied)


def test_the_time_of_a_completion_ends_with_it() -> None:
    token = deadline.start(-1)
    over = deadline.current(5)
    with deadline.completion():
        assert deadline.current(5).left() > 0
        assert deadline.of_exchange(over).left() > over.left()
    assert deadline.current(5) is over
    assert deadline.of_exchange(over) is over
    deadline.end(token)
