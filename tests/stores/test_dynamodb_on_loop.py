"""The DynamoDB store of an async function: it waits on the loop, without a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest

from kit.aws.credentials import function_environment
from kit.network.fault_server import FaultServer, Request, Step, answer, failure
from lambda_idempotency import DynamoDBStore, idempotent_function
from lambda_idempotency.clients.net.aio import AIO
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.record import Absent, Applied, Claim, Completion, Conflict
from lambda_idempotency.stores import dynamodb as module
from lambda_idempotency.stores.cached import CachedStore
from lambda_idempotency.stores.coroutines import on_loop
from lambda_idempotency.stores.memory import MemoryStore

CLAIM: Final = Claim(key="shop#1", owner="a" * 32, lease_ms=30_000, expires_after_ms=60_000)
COMPLETION: Final = Completion(
    key="shop#2", owner="b" * 32, attempt=1, expires_after_ms=60_000, data="1"
)
ITEM: Final = {
    "id": {"S": "shop#1"},
    "status": {"S": "INPROGRESS"},
    "owner": {"S": "c" * 32},
    "attempt": {"N": "1"},
    "revision": {"N": "0"},
    "expiration": {"N": "4000000000"},
    "in_progress_expiration": {"N": "4000000000000"},
}
REFUSED: Final = failure("ConditionalCheckFailedException")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    with FaultServer() as server:
        for name, value in function_environment(server.endpoint).items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def store(server: FaultServer) -> Iterator[DynamoDBStore]:
    store = DynamoDBStore("records")
    yield store
    store._own_client().close()


def _operations(server: FaultServer) -> list[str]:
    return [request.headers["x-amz-target"].rpartition(".")[2] for request in server.requests]


@pytest.mark.parametrize("is_own", [True, False])
def test_jobs_of_the_users_in_all_threads_of_the_loop_delay_nothing(
    store: DynamoDBStore, *, is_own: bool
) -> None:
    done = threading.Event()

    @idempotent_function(store=store if is_own else MemoryStore(), namespace="shop")
    async def charge(order: int) -> int:
        return order

    async def main() -> int:
        loop = asyncio.get_running_loop()
        jobs = [loop.run_in_executor(None, done.wait, 30) for _ in range(100)]
        try:
            return await charge(1)
        finally:
            done.set()
            await asyncio.gather(*jobs)

    assert asyncio.run(main()) == 1


def test_a_completion_and_a_claim_are_under_way_at_once(
    server: FaultServer, store: DynamoDBStore
) -> None:
    both = threading.Barrier(2, timeout=30)

    def together(_: Request) -> Step:
        both.wait()
        return answer()

    server.script(together, together)
    replies = asyncio.run(store.completing_and_claiming(COMPLETION, CLAIM, AIO))
    assert [type(reply) for reply in replies] == [Applied, Applied]


def test_one_of_the_two_may_fail_alone(server: FaultServer, store: DynamoDBStore) -> None:
    def verdict(request: Request) -> Step:
        is_claim = request.parsed["Item"]["status"]["S"] == "INPROGRESS"
        return failure("AccessDeniedException") if is_claim else answer()

    server.script(verdict, verdict)
    completed, claimed = asyncio.run(store.completing_and_claiming(COMPLETION, CLAIM, AIO))
    assert isinstance(completed, Applied)
    assert isinstance(claimed, StoreError)


@pytest.mark.parametrize("size", [0, 10])
def test_a_store_is_on_the_loop_unless_it_blocks(store: DynamoDBStore, size: int) -> None:
    def cached(inner: Any) -> Any:
        return CachedStore(inner, size) if size else inner

    assert on_loop(cached(store)) is not None
    assert on_loop(cached(MemoryStore())) is None


# Servers that refuse without a word ---------------------------------------------------------------


def test_a_claim_that_is_refused_without_the_item_is_followed_by_a_read(
    server: FaultServer, store: DynamoDBStore
) -> None:
    server.script(REFUSED, answer({"Item": ITEM}))
    reply = store.claim(CLAIM)
    assert isinstance(reply, Conflict)
    assert reply.record.owner == "c" * 32
    assert _operations(server) == ["PutItem", "GetItem"]


def test_a_claim_that_was_in_the_way_of_a_release_is_sent_again(
    server: FaultServer, store: DynamoDBStore
) -> None:
    server.script(REFUSED, answer(), answer())
    assert isinstance(store.claim(CLAIM), Applied)
    assert _operations(server) == ["PutItem", "GetItem", "PutItem"]


def test_a_table_that_refuses_what_is_not_there_is_told_after_a_few_tries(
    server: FaultServer, store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(request: Request) -> Step:
        return REFUSED if request.headers["x-amz-target"].endswith("PutItem") else answer()

    server.script(*[refusing] * 50)
    with pytest.raises(StoreError, match="refuses to write record shop#1, and finds none there"):
        store.claim(CLAIM)
    assert _operations(server) == ["PutItem", *["GetItem", "PutItem"] * module.CLAIM_TRIES]


def test_a_take_over_that_is_refused_without_the_item_is_followed_by_a_read(
    server: FaultServer, store: DynamoDBStore
) -> None:
    server.script(answer({"Item": ITEM}), REFUSED, answer())
    seen = store.read("shop#1")
    assert isinstance(seen, Conflict)
    assert isinstance(store.claim(CLAIM, seen.record), Absent)
    assert _operations(server) == ["GetItem", "PutItem", "GetItem"]
