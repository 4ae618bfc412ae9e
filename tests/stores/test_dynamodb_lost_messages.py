"""Replies lost on the way from DynamoDB, with and without a client that retries on its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest

from kit.harnesses import DynamoDBHarness, boto_client, light_client
from kit.network.proxy import LossyProxy
from lambda_idempotency.drivers.sync import drive
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.machine import run_once
from lambda_idempotency.protocol.record import COMPLETED, Claim, Completion
from lambda_idempotency.protocol.steps import (
    Call,
    Executed,
    Outcome,
    Raised,
    Reconcile,
    Replayed,
    Returned,
    Run,
    Unavailable,
)
from lambda_idempotency.stores.dynamodb import DynamoDBStore

TABLE: Final = "idempotency"
LEASE: Final = 30_000
PUT: Final = "PutItem"
DELETE: Final = "DeleteItem"
GET: Final = "GetItem"


class _Caller:
    """A caller that makes one call through the proxy."""

    def __init__(
        self, proxy: LossyProxy, dynamodb: DynamoDBHarness, connect: Callable[[str], Any]
    ) -> None:
        self._key = dynamodb.key
        self._client = connect(proxy.endpoint)
        self._store = DynamoDBStore(dynamodb.table, client=self._client)
        self.attempts: list[int] = []

    def call(self, *, error: Exception | None = None, **options: Any) -> Outcome:
        """Return the outcome of one call; `attempts` tells how often its handler ran."""

        def run(step: Run | Reconcile) -> Returned:
            self.attempts.append(step.attempt)
            if error is not None:
                raise error
            return Returned("answer", '"answer"')

        call = Call(
            key=self._key, owner="a" * 32, lease_ms=LEASE, expires_after_ms=3_600_000, **options
        )
        try:
            return drive(
                run_once(call),
                key=self._key,
                store=self._store,
                run=run,
                remaining=lambda: 10_000,
                sleep=lambda _: None,
            )
        finally:
            self._client.close()


def _orphan(dynamodb: DynamoDBHarness) -> None:
    claim = Claim(key=dynamodb.key, owner="b" * 32, lease_ms=LEASE, expires_after_ms=3_600_000)
    dynamodb.plant(claim.record(dynamodb.now() - 2 * LEASE))


# The client retries -------------------------------------------------------------------------------


@pytest.fixture
def dynamodb(local_dynamodb: dict[str, Any]) -> DynamoDBHarness:
    """Return the store on the other side of the proxy, which loses nothing."""
    return DynamoDBHarness(local_dynamodb["boto3"], TABLE)


_RETRYING: Final[dict[str, Callable[[str], Any]]] = {
    "boto3": partial(boto_client, attempts=3),
    "light": partial(light_client, sleep=lambda _: None),
}


@pytest.fixture(params=_RETRYING)
def retrying(
    request: pytest.FixtureRequest, proxy: LossyProxy, dynamodb: DynamoDBHarness
) -> _Caller:
    """Return a caller whose client sends a request again when the connection breaks."""
    return _Caller(proxy, dynamodb, _RETRYING[request.param])


def test_without_losses_a_call_is_two_requests(
    proxy: LossyProxy, dynamodb: DynamoDBHarness, retrying: _Caller
) -> None:
    assert retrying.call() == Executed("answer")
    assert proxy.operations == [PUT, PUT]


def test_a_claim_whose_reply_was_lost_runs_once(
    proxy: LossyProxy, dynamodb: DynamoDBHarness, retrying: _Caller
) -> None:
    proxy.lose_reply(1)
    assert retrying.call() == Executed("answer")
    assert retrying.attempts == [1]
    assert proxy.operations == [PUT, PUT, PUT]
    stored = dynamodb.stored()
    assert stored is not None
    assert (stored.status, stored.data) == (COMPLETED, '"answer"')


def test_a_claim_that_was_lost_itself_runs_once(
    proxy: LossyProxy, dynamodb: DynamoDBHarness, retrying: _Caller
) -> None:
    proxy.lose_request(1)
    assert retrying.call() == Executed("answer")
    assert retrying.attempts == [1]


def test_a_completion_whose_reply_was_lost_is_done(
    proxy: LossyProxy,
    dynamodb: DynamoDBHarness,
    retrying: _Caller,
    caplog: pytest.LogCaptureFixture,
) -> None:
    proxy.lose_reply(2)
    assert retrying.call() == Executed("answer")
    stored = dynamodb.stored()
    assert stored is not None
    assert (stored.status, stored.data) == (COMPLETED, '"answer"')
    assert "LeaseLost" not in caplog.text


def test_a_release_whose_reply_was_lost_is_done(
    proxy: LossyProxy, dynamodb: DynamoDBHarness, retrying: _Caller
) -> None:
    proxy.lose_reply(2)
    error = ValueError()
    assert retrying.call(error=error) == Raised(error)
    assert proxy.operations == [PUT, DELETE, DELETE, GET]  # the refusal does not say what is there
    assert dynamodb.stored() is None


def test_a_take_over_whose_reply_was_lost_runs_once(
    proxy: LossyProxy, dynamodb: DynamoDBHarness, retrying: _Caller
) -> None:
    _orphan(dynamodb)
    proxy.lose_reply(2)
    assert retrying.call() == Executed("answer")
    assert retrying.attempts == [2]
    stored = dynamodb.stored()
    assert stored is not None
    assert (stored.status, stored.owner, stored.attempt) == (COMPLETED, "a" * 32, 2)


def test_a_duplicate_whose_reply_was_lost_is_answered(
    proxy: LossyProxy, dynamodb: DynamoDBHarness, retrying: _Caller
) -> None:
    finished = _completed(dynamodb)
    proxy.lose_reply(1)
    assert retrying.call() == finished
    assert retrying.attempts == []


def _completed(dynamodb: DynamoDBHarness) -> Replayed:
    """Return the answer that a duplicate of a completed call gets."""
    completion = Completion(
        key=dynamodb.key, owner="b" * 32, attempt=1, expires_after_ms=3_600_000, data='"first"'
    )
    dynamodb.store.complete(completion)
    stored = dynamodb.stored()
    assert stored is not None
    return Replayed(stored)


# The client does not retry ------------------------------------------------------------------------


@pytest.fixture
def single(proxy: LossyProxy, dynamodb: DynamoDBHarness) -> _Caller:
    """Return a caller whose client sends each request once."""
    return _Caller(proxy, dynamodb, boto_client)


@pytest.mark.parametrize("lost", ["request", "reply"])
def test_a_claim_of_unknown_outcome_runs_nothing_and_frees_the_key(
    proxy: LossyProxy, dynamodb: DynamoDBHarness, single: _Caller, lost: str
) -> None:
    (proxy.lose_reply if lost == "reply" else proxy.lose_request)(1)
    outcome = single.call()
    assert isinstance(outcome, Unavailable)
    assert isinstance(outcome.error, StoreError)
    assert single.attempts == []
    assert proxy.operations == [PUT, DELETE, *([GET] if lost == "request" else [])]
    assert dynamodb.stored() is None


@pytest.mark.parametrize("lost", ["request", "reply"])
def test_failing_open_runs_once_and_records_the_answer(
    proxy: LossyProxy, dynamodb: DynamoDBHarness, single: _Caller, lost: str
) -> None:
    (proxy.lose_reply if lost == "reply" else proxy.lose_request)(1)
    assert single.call(fail_open=True) == Executed("answer")
    assert single.attempts == [1]
    stored = dynamodb.stored()
    assert stored is not None
    assert (stored.status, stored.data) == (COMPLETED, '"answer"')


def test_an_answer_is_recorded_by_the_protocols_own_retry(
    proxy: LossyProxy, dynamodb: DynamoDBHarness, single: _Caller
) -> None:
    proxy.lose_request(2)
    proxy.lose_reply(3)
    assert single.call() == Executed("answer")
    assert proxy.operations == [PUT, PUT, PUT, PUT]
    stored = dynamodb.stored()
    assert stored is not None
    assert (stored.status, stored.data) == (COMPLETED, '"answer"')
