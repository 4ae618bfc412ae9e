"""`current().commit_with(items)` as callers see it; the stores handle the transaction."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import pytest

from kit.batches import batch, fifo, sqs
from kit.clocks import ManualClock
from kit.http_events import Http, http_2
from lambda_idempotency import (
    CommitError,
    ConfigurationError,
    DynamoDBStore,
    InProgressError,
    LeaseLostError,
    MemoryStore,
    Reconciled,
    RedisStore,
    StoreError,
    current,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.execution.commits import Writes
from lambda_idempotency.protocol.record import Claim, Completion, Record, Reply, WritesRefused

EVENT: Final = {"id": 1}
LEASE: Final = 15 * 60
REQUEST: Final = http_2(Http())
WRITE: Final = {"Put": {"TableName": "ledger", "Item": {"id": {"S": "a secret"}}}}


def _delete(name: str) -> dict[str, Any]:
    return {"Delete": {"TableName": "ledger", "Key": {"id": {"S": name}}}}


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
            store.records()[current().key],
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


def _told(answer: Any) -> tuple[int, str, bool]:
    return (
        answer["statusCode"],
        json.loads(answer["body"])["type"],
        "Retry-After" in answer["headers"],
    )


def test_an_http_request_whose_writes_are_refused_is_answered(
    store: BusinessStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.refuses = True
    answer = idempotent(store=store)(_pay)(REQUEST, None)
    assert _told(answer) == (500, "urn:idempotency:refused", False)
    assert "write 1 of 1 failed: ConditionalCheckFailed" in caplog.text
    assert "secret" not in caplog.text
    store.refuses = False
    assert idempotent(store=store)(_pay)(REQUEST, None) == "paid"


@pytest.mark.usefixtures("slept")
def test_an_http_request_whose_writes_are_uncertain_is_answered(store: BusinessStore) -> None:
    store.is_down = True
    answer = idempotent(store=store)(_pay)(REQUEST, None)
    assert _told(answer) == (503, "urn:idempotency:unknown", True)


def test_an_http_request_that_is_overtaken_is_answered(store: BusinessStore) -> None:
    def overtaken(event: Any, context: Any) -> str:
        store.put(store.records()[current().key]._replace(owner="b" * 32))
        return _pay(event, context)

    answer = idempotent(store=store)(overtaken)(REQUEST, None)
    assert _told(answer) == (503, "urn:idempotency:overtaken", True)
    assert store.committed == []


def test_an_http_answer_that_is_not_kept_takes_its_writes_with_it(store: BusinessStore) -> None:
    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        _pay(event, context)
        return {"statusCode": 500, "body": ""}

    assert handler(REQUEST, None)
    assert store.committed == []


def _registering(items: Any) -> Any:
    def handler(event: Any, context: Any) -> None:
        current().commit_with(items)

    return handler


# Copies -------------------------------------------------------------------------------------------


def test_a_write_is_copied_where_it_is_registered(store: BusinessStore) -> None:
    item: dict[str, Any] = {"id": {"S": "1"}, "lines": {"L": [{"M": {"sku": {"S": "a"}}}]}}

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        current().commit_with([{"Put": {"TableName": "ledger", "Item": item}}])
        item["id"] = {"S": "2"}
        item["lines"]["L"][0]["M"]["sku"]["S"] = "b"
        item["lines"]["L"].append({"S": "c"})

    handler(EVENT, None)
    [written] = store.committed
    assert written["Put"]["Item"] == {
        "id": {"S": "1"},
        "lines": {"L": [{"M": {"sku": {"S": "a"}}}]},
    }


# Threads ------------------------------------------------------------------------------------------


def test_a_thread_s_write_is_sent_or_refused_aloud(store: BusinessStore) -> None:
    registered: list[str] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        attempt = current()
        writing = threading.Event()

        def write() -> None:
            for number in count():
                try:
                    attempt.commit_with([_delete(str(number))])
                except ConfigurationError:
                    return
                registered.append(str(number))
                writing.set()
                if number == 98:
                    return

        thread = threading.Thread(target=write)
        threads.append(thread)
        thread.start()
        writing.wait()

    for number in range(20):
        threads: list[threading.Thread] = []
        registered.clear()
        store.committed.clear()
        handler({"id": number}, None)
        threads[0].join()
        assert [each["Delete"]["Key"]["id"]["S"] for each in store.committed] == registered


def test_a_write_that_is_checked_while_the_handler_returns_is_refused() -> None:
    writes = Writes()

    def meanwhile() -> Iterator[dict[str, Any]]:
        writes.taken()
        yield WRITE

    with pytest.raises(ConfigurationError, match="its writes are on their way"):
        writes.add(meanwhile())


def test_after_the_handler_has_raised_nothing_can_be_registered(store: BusinessStore) -> None:
    attempts = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        attempts.append(current())
        raise ValueError("asked to")

    with pytest.raises(ValueError, match="asked to"):
        handler(EVENT, None)
    with pytest.raises(ConfigurationError, match="the attempt has raised"):
        attempts[0].commit_with([WRITE])


# Orphans ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("found", [Reconciled("paid"), None], ids=["reconciled", "run again"])
def test_what_on_orphan_registers_is_committed_with_its_attempt(
    store: BusinessStore, clock: ManualClock, found: Reconciled | None
) -> None:
    def look_up(event: Any) -> Reconciled | None:
        current().commit_with([_delete("by on_orphan")])
        return found

    def handler(event: Any, context: Any) -> str:
        return "paid"

    call = idempotent(store=store, on_orphan=look_up)(handler)
    _die(store, call)
    clock.advance(LEASE + 1)
    assert call(EVENT, None) == "paid"
    assert store.committed == [_delete("by on_orphan")]


def _die(store: BusinessStore, call: Any) -> None:
    """Leave the record of an attempt that died."""
    call(EVENT, None)
    [record] = store.records().values()
    lease_end = int(store.clock() * 1000) + LEASE * 1000
    store.put(record._replace(status="INPROGRESS", owner="d" * 32, lease_end=lease_end))


# Refusals of the service --------------------------------------------------------------------------


class ParamValidationError(Exception):
    """What boto3 raises before it sends anything."""


class _Refusing:
    """A DynamoDB client that claims and releases, and refuses each transaction."""

    def __init__(self, error: Exception) -> None:
        self.operations: list[str] = []
        self._error = error

    def put_item(self, **_: Any) -> dict[str, Any]:
        self.operations.append("put")
        return {}

    def delete_item(self, **_: Any) -> dict[str, Any]:
        self.operations.append("delete")
        return {}

    def transact_write_items(self, **_: Any) -> dict[str, Any]:
        self.operations.append("transact")
        raise self._error


def _service_error(code: str) -> Exception:
    error = Exception(code)
    error.response = {"Error": {"Code": code}}  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    "error",
    [
        *map(_service_error, ("ValidationException", "SerializationException")),
        ParamValidationError(),
    ],
    ids=repr,
)
def test_a_malformed_transaction_is_known_at_once_and_frees_the_key(error: Exception) -> None:
    client = _Refusing(error)
    handler = idempotent(store=DynamoDBStore("records", client=client), namespace="shop")(_pay)
    with pytest.raises(CommitError) as failed:
        handler(EVENT, None)
    assert failed.value.applied is False
    assert client.operations == ["put", "transact", "delete"]


# What is no commit --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "item",
    [{}, {"Put": {}, "Update": {}}, {"Get": {}}, "Put", None, {"put": {}}],
    ids=["empty", "two", "a read", "text", "None", "lower case"],
)
def test_what_is_no_write_is_refused(store: BusinessStore, item: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected items as of TransactWriteItems"):
        idempotent(store=store)(_registering([item]))(EVENT, None)


def test_a_transaction_has_room_for_99_writes(store: BusinessStore) -> None:
    writes = [WRITE] * 99
    handler = idempotent(store=store)(_registering(writes))
    handler(EVENT, None)
    assert len(store.committed) == 99
    writes.append(WRITE)
    with pytest.raises(ConfigurationError, match="100 writes in all"):
        handler({"id": 2}, None)


def test_redis_cannot_commit() -> None:
    class Client:
        def execute_command(self, *command: Any, **options: Any) -> Any:
            evaluates = command[0] == "EVALSHA"
            return [f"0 1700000000000 {command[3]}".encode()] if evaluates else b""

    handler = idempotent(store=RedisStore(Client()), namespace="shop")(_pay)
    with pytest.raises(ConfigurationError, match="only DynamoDB writes a record and your"):
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
        current().commit_with([_delete(record["messageId"])])
        if record["messageId"] == "2":
            raise ValueError("asked to")

    answer = handler(batch(*(sqs(number, {}) for number in "123")), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert store.committed == [_delete("1"), _delete("3")]


class _Unclaimed(BusinessStore):
    """A store that takes completions, and no claims."""

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        raise StoreError("unreachable")


@pytest.mark.parametrize(("refuses", "ran"), [(False, ["1", "2"]), (True, ["1"])])
def test_writes_without_a_claim_are_committed_before_the_next_record_runs(
    clock: ManualClock, ran: list[str], *, refuses: bool
) -> None:
    store, runs = _Unclaimed(clock), []
    store.refuses = refuses

    @idempotent_records(store=store, fail_open=True)
    def handler(record: Any, context: Any) -> None:
        runs.append(record["messageId"])
        _pay(record, context)

    handler(batch(fifo("1"), fifo("2")), None)
    assert (runs, len(store.committed)) == (ran, 0 if refuses else 2)


def test_a_record_that_is_not_committed_has_failed(store: BusinessStore) -> None:
    store.refuses = True
    handler = idempotent_records(store=store)(_pay)
    answer = handler(batch(sqs("1", {})), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
