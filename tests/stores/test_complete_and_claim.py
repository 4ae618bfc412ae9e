"""A completion and a claim at once: on every store, each acts as if it were alone."""

from __future__ import annotations

import threading
from typing import Any, Final

import pytest

from kit.aws.credentials import function_environment
from kit.batches import Orders, batch, failures, fifo, sqs
from kit.harnesses import DynamoDBHarness
from kit.network.fault_server import FaultServer, answer
from lambda_idempotency import DynamoDBStore, StoreError, idempotent_records
from lambda_idempotency.drivers.requests import complete_and_claim
from lambda_idempotency.protocol.record import COMPLETED, Applied, Claim, Completion
from lambda_idempotency.protocol.steps import CompleteAndClaim, PairResult
from lambda_idempotency.stores import in_parallel
from lambda_idempotency.testing.store_harness import StoreHarness, new_key

ME: Final = "a" * 32
OTHER: Final = "b" * 32


def _claim(key: str, owner: str = ME) -> Claim:
    return Claim(key=key, owner=owner, lease_ms=30_000, expires_after_ms=60_000)


def _together(harness: StoreHarness, claimed: str) -> PairResult:
    completion = Completion(
        key=harness.key, owner=ME, attempt=1, expires_after_ms=60_000, encoding="none"
    )
    return complete_and_claim(
        harness.store, CompleteAndClaim(completion, _claim(claimed)), lambda: 10_000
    )


def test_batches_take_effect_once(harness: StoreHarness) -> None:
    orders = Orders()
    handler = idempotent_records(store=harness.store, namespace="shop")(orders)
    items = [harness.key + number for number in "12345"]
    orders.poisoned[items[2]] = ValueError("a bug")
    assert failures(handler(batch(*map(sqs, items)), None)) == [items[2]]
    orders.poisoned.clear()
    assert failures(handler(batch(*map(sqs, items)), None)) == []
    assert orders.done == [*items[:2], *items[3:], items[2]]


def test_batches_keep_their_order(harness: StoreHarness) -> None:
    orders = Orders()
    handler = idempotent_records(store=harness.store, namespace="shop")(orders)
    items = [harness.key + number for number in "12345"]
    orders.poisoned[items[2]] = ValueError("a bug")
    assert failures(handler(batch(*map(fifo, items)), None)) == items[2:]
    orders.poisoned.clear()
    assert failures(handler(batch(*map(fifo, items)), None)) == []
    assert orders.done == items


# DynamoDB -----------------------------------------------------------------------------------------


class Meeting:
    """A client whose writes wait for one another, so that they are under way at the same time."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._meeting = threading.Barrier(2)

    def put_item(self, **request: Any) -> Any:
        self._meeting.wait(timeout=30)
        return self._client.put_item(**request)


def test_dynamodb_is_asked_for_both_at_the_same_time(dynamodb: DynamoDBHarness) -> None:
    dynamodb.store.claim(_claim(dynamodb.key))
    dynamodb.store = DynamoDBStore(dynamodb.table, client=Meeting(dynamodb.client))
    both = _together(dynamodb, new_key())
    assert (type(both.completed), type(both.claimed)) == (Applied, Applied)


def test_dynamodb_is_asked_one_after_the_other_where_there_can_be_no_thread(
    dynamodb: DynamoDBHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    dynamodb.store.claim(_claim(dynamodb.key))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    both = _together(dynamodb, new_key())
    assert (type(both.completed), type(both.claimed)) == (Applied, Applied)


@pytest.mark.parametrize("lost", [COMPLETED, "INPROGRESS"])
def test_a_request_to_dynamodb_that_fails_leaves_the_other_alone(
    dynamodb: DynamoDBHarness, lost: str
) -> None:
    class Losing:
        def put_item(self, **request: Any) -> Any:
            if request["Item"]["status"]["S"] == lost:
                raise ConnectionError
            return dynamodb.client.put_item(**request)

    dynamodb.store.claim(_claim(dynamodb.key))
    store = DynamoDBStore(dynamodb.table, client=Losing())
    completion = Completion(key=dynamodb.key, owner=ME, attempt=1, expires_after_ms=60_000)
    replies = store.complete_and_claim(completion, _claim(new_key()))
    kinds = [Applied, StoreError] if lost == "INPROGRESS" else [StoreError, Applied]
    assert [type(reply) for reply in replies] == kinds


def test_the_own_client_sends_both_at_once_from_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("threads are for clients that users bring")

    monkeypatch.setattr(in_parallel, "in_threads", refuse)
    with FaultServer(otherwise=answer()) as server:
        for name, value in function_environment(server.endpoint).items():
            monkeypatch.setenv(name, value)
        store = DynamoDBStore("records")
        completion = Completion(key="one", owner=ME, attempt=1, expires_after_ms=60_000)
        replies = store.complete_and_claim(completion, _claim("other"))
        assert [type(reply) for reply in replies] == [Applied, Applied]
        assert server.opened == 2  # one after the other would share a connection
        store._own_client().close()
