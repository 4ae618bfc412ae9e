"""`current().commit_with(items)` as callers see it; the stores handle the transaction."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from kit.batches import batch, sqs
from kit.clocks import ManualClock
from kit.http_events import Http, http_2
from lambda_idempotency import (
    CommitError,
    ConfigurationError,
    InProgressError,
    LeaseLostError,
    MemoryStore,
    RedisStore,
    StoreError,
    current,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.protocol.record import Claim, Completion, Reply, WritesRefused

EVENT: Final = {"id": 1}
LEASE: Final = 15 * 60
REQUEST: Final = http_2(Http())
WRITE: Final = {"Put": {"TableName": "ledger", "Item": {"id": {"S": "a secret"}}}}


class BusinessStore(MemoryStore):
    """A store that refuses writes, or cannot be reached, on command."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.refuses = self.is_down = False

    def complete(self, completion: Completion) -> Reply:
        if self.is_down:
            raise StoreError("unreachable")
        if self.refuses and completion.writes:
            return WritesRefused("write 1 of 1 failed: ConditionalCheckFailed", 0)
        return super().complete(completion)


@pytest.fixture
def store(clock: ManualClock) -> BusinessStore:
    return BusinessStore(clock)


def _pay(event: Any, context: Any) -> str:
    current().commit_with([WRITE])
    return "paid"


def test_the_writes_take_effect_once(store: BusinessStore) -> None:
    handler = idempotent(store=store)(_pay)
    assert handler(EVENT, None) == handler(EVENT, None) == "paid"
    assert store.committed == [WRITE]


def test_several_registrations_make_one_transaction(store: BusinessStore) -> None:
    def twice(event: Any, context: Any) -> None:
        current().commit_with([WRITE])
        current().commit_with(item for item in (WRITE, WRITE))

    idempotent(store=store)(twice)(EVENT, None)
    assert store.committed == [WRITE] * 3


def test_without_a_registration_nothing_is_written(store: BusinessStore) -> None:
    assert idempotent(store=store)(lambda event, context: "done")(EVENT, None) == "done"
    assert store.committed == []


def test_an_async_handler_commits(store: BusinessStore) -> None:
    async def handler(event: Any, context: Any) -> str:
        await asyncio.sleep(0)
        return _pay(event, context)

    assert idempotent(store=store)(handler)(EVENT, None) == "paid"
    assert store.committed == [WRITE]


def test_a_function_commits(store: BusinessStore) -> None:
    @idempotent_function(store=store)
    def charge(order: int) -> str:
        return _pay(order, None)

    assert charge(1) == charge(1) == "paid"
    assert store.committed == [WRITE]


def test_an_async_function_commits(store: BusinessStore) -> None:
    @idempotent_function(store=store)
    async def charge(order: int) -> str:
        return _pay(order, None)

    assert asyncio.run(charge(1)) == "paid"
    assert store.committed == [WRITE]


def test_an_inner_function_commits_its_own_writes(store: BusinessStore) -> None:
    @idempotent_function(store=store)
    def charge(order: int) -> str:
        return _pay(order, None)

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> str:
        charge(1)
        assert store.committed == [WRITE]
        raise ValueError("asked to")

    with pytest.raises(ValueError, match="asked to"):
        handler(EVENT, None)
    assert store.committed == [WRITE]


def test_a_handler_that_raises_writes_nothing(store: BusinessStore) -> None:
    @idempotent(store=store)
    def handler(event: Any, context: Any) -> str:
        _pay(event, context)
        raise ValueError("asked to")

    with pytest.raises(ValueError, match="asked to"):
        handler(EVENT, None)
    assert store.committed == []


def test_a_refused_write_is_told_and_frees_the_key(store: BusinessStore) -> None:
    handler = idempotent(store=store)(_pay)
    store.refuses = True
    with pytest.raises(CommitError, match="write 1 of 1") as failed:
        handler(EVENT, None)
    assert failed.value.applied is False
    store.refuses = False
    assert handler(EVENT, None) == "paid"
    assert store.committed == [WRITE]


def test_an_unknown_outcome_is_told_and_keeps_the_key(
    store: BusinessStore, slept: list[float]
) -> None:
    handler = idempotent(store=store)(_pay)
    store.is_down = True
    with pytest.raises(CommitError, match="Nobody knows") as failed:
        handler(EVENT, None)
    assert failed.value.applied is None
    store.is_down = False
    with pytest.raises(InProgressError):
        handler(EVENT, None)


def test_a_lost_lease_is_told(store: BusinessStore, clock: ManualClock) -> None:
    def slow(event: Any, context: Any) -> str:
        clock.advance(LEASE + 1)
        store.claim(
            Claim(key=current().key, owner="b" * 32, lease_ms=1000, expires_after_ms=1000),
            store._records[current().key],
        )
        return _pay(event, context)

    with pytest.raises(LeaseLostError):
        idempotent(store=store)(slow)(EVENT, None)
    assert store.committed == []


def test_no_error_quotes_a_write(store: BusinessStore) -> None:
    store.refuses = True
    with pytest.raises(CommitError) as failed:
        idempotent(store=store)(_pay)(EVENT, None)
    assert "secret" not in str(failed.value)


def test_an_http_request_that_is_not_committed_raises(store: BusinessStore) -> None:
    store.refuses = True
    with pytest.raises(CommitError):
        idempotent(store=store)(_pay)(REQUEST, None)


def test_an_http_answer_that_is_not_kept_takes_its_writes_with_it(store: BusinessStore) -> None:
    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        _pay(event, context)
        return {"statusCode": 500, "body": ""}

    assert handler(REQUEST, None)
    assert store.committed == []


# What is no commit --------------------------------------------------------------------------------


def _registering(items: Any) -> Any:
    def handler(event: Any, context: Any) -> None:
        current().commit_with(items)

    return handler


@pytest.mark.parametrize(
    "item",
    [{}, {"Put": {}, "Update": {}}, {"Get": {}}, "Put", None, {"put": {}}],
    ids=["empty", "two", "a read", "text", "None", "lower case"],
)
def test_what_is_no_write_is_refused(store: BusinessStore, item: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected items as of TransactWriteItems"):
        idempotent(store=store)(_registering([item]))(EVENT, None)


@pytest.mark.parametrize("kind", ["Put", "Update", "Delete", "ConditionCheck"])
def test_every_kind_of_write_is_taken(store: BusinessStore, kind: str) -> None:
    idempotent(store=store)(_registering([{kind: {}}]))(EVENT, None)
    assert store.committed == [{kind: {}}]


def test_a_transaction_has_room_for_99_writes(store: BusinessStore) -> None:
    idempotent(store=store)(_registering([WRITE] * 99))(EVENT, None)
    assert len(store.committed) == 99
    with pytest.raises(ConfigurationError, match="100 writes in all"):
        idempotent(store=store)(_registering([WRITE] * 100))({"id": 2}, None)


def test_redis_cannot_commit() -> None:
    class Client:
        def execute_command(self, *command: Any, **options: Any) -> Any:
            evaluates = command[0] == "EVALSHA"
            return [0, 1_700_000_000_000, command[3].encode()] if evaluates else b""

    handler = idempotent(store=RedisStore(Client()), namespace="shop")(_pay)
    with pytest.raises(ConfigurationError, match="records are in a RedisStore, and only DynamoDB"):
        handler(EVENT, None)


def test_an_unprotected_call_cannot_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDEMPOTENCY_DISABLED", "true")
    with pytest.raises(ConfigurationError, match="this call has no record"):
        idempotent(_pay)(EVENT, None)


def test_after_the_handler_has_returned_nothing_can_be_registered(store: BusinessStore) -> None:
    attempts = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        attempts.append(current())

    handler(EVENT, None)
    with pytest.raises(ConfigurationError, match="its writes are on their way"):
        attempts[0].commit_with([WRITE])


def test_each_record_of_a_batch_commits_its_own_writes(store: BusinessStore) -> None:
    @idempotent_records(store=store)
    def handler(record: Any, context: Any) -> None:
        current().commit_with([{"Put": {"of": record["messageId"]}}])
        if record["messageId"] == "2":
            raise ValueError("asked to")

    answer = handler(batch(*(sqs(number, {}) for number in "123")), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert store.committed == [{"Put": {"of": "1"}}, {"Put": {"of": "3"}}]


def test_a_record_that_is_not_committed_has_failed(store: BusinessStore) -> None:
    store.refuses = True
    handler = idempotent_records(store=store)(_pay)
    answer = handler(batch(sqs("1", {})), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
