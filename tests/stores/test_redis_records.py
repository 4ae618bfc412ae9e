"""Batches of records on Redis: their commands, and losses on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from kit.aws.local import LocalAws
from kit.batches import Orders, batch, failures, kinesis, sqs
from kit.redis.access import NAMESPACE, Access, invocation
from kit.redis.binaries import VERSIONS, binary_of
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer, connect
from lambda_idempotency import RedisStore, StoreError, idempotent_records
from lambda_idempotency.protocol.record import Applied, Claim, Completion, Conflict
from lambda_idempotency.testing.store_harness import new_key


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with RedisServer(binary=binary_of(request.param)) as server:
        yield server


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[RedisProxy]:
    with RedisProxy(server.plain_port) as proxy:
        yield proxy


@pytest.fixture(params=["redis-py", "redis-py, decoding", "the runtime's client"])
def store(
    request: pytest.FixtureRequest, server: RedisServer, proxy: RedisProxy, local_aws: LocalAws
) -> Iterator[RedisStore]:
    """Yield a store that has used its verbs."""
    with ExitStack() as stack:
        if request.param.startswith("redis-py"):
            options = {"password": server.admin_password, "socket_timeout": 30}
            decodes = request.param.endswith("decoding")
            client = stack.enter_context(connect(proxy.port, decode_responses=decodes, **options))
            store = RedisStore(client)
        else:
            access = stack.enter_context(Access(local_aws))
            credentials = access.add_user(server, "password")
            access.publish(server.settings(port=proxy.port, credentials=credentials))
            store = RedisStore(access.client())
        handle(store, Orders(), sqs("warm"), sqs("warm too"))
        proxy.forget()
        yield store


def handle(store: RedisStore, orders: Orders, *records: Any) -> list[str]:
    return failures(
        idempotent_records(store=store, namespace=NAMESPACE, name="orders")(orders)(
            batch(*records), None
        )
    )


def items(count: int) -> list[str]:
    return [f"{new_key()}-{number}" for number in range(count)]


def claim_of(key: str, owner: str = "a") -> Claim:
    return Claim(key=key, owner=owner * 32, lease_ms=30_000, expires_after_ms=60_000)


def completion_of(key: str, owner: str = "a") -> Completion:
    return Completion(
        key=key, owner=owner * 32, attempt=1, expires_after_ms=60_000, encoding="none"
    )


def test_a_batch_of_ten_takes_eleven_round_trips(store: RedisStore, proxy: RedisProxy) -> None:
    orders = Orders()
    ten = items(10)
    assert handle(store, orders, *map(sqs, ten)) == []
    assert orders.done == ten
    assert proxy.round_trips == 11
    assert proxy.commands == ["EVALSHA"] * 20


def test_ten_duplicates_take_ten_round_trips(store: RedisStore, proxy: RedisProxy) -> None:
    ten = items(10)
    handle(store, Orders(), *map(sqs, ten))
    proxy.forget()
    assert handle(store, Orders(), *map(sqs, ten)) == []
    assert proxy.round_trips == 10


def test_both_replies_are_told_apart(store: RedisStore) -> None:
    first, second = new_key(), new_key()
    store.claim(claim_of(first))
    store.claim(claim_of(second, "b"))
    completed, claimed = store.complete_and_claim(completion_of(first), claim_of(second))
    assert isinstance(completed, Applied)
    assert isinstance(claimed, Conflict)
    assert claimed.record.owner == "b" * 32


def test_a_completion_that_is_blocked_leaves_the_claim_alone(store: RedisStore) -> None:
    first, second = new_key(), new_key()
    store.claim(claim_of(first, "b"))
    completed, claimed = store.complete_and_claim(completion_of(first), claim_of(second))
    assert isinstance(completed, Conflict)
    assert isinstance(claimed, Applied)


def test_what_is_none_of_ours_fails_alone(store: RedisStore, server: RedisServer) -> None:
    first, second = new_key(), new_key()
    store.claim(claim_of(first))
    with server.admin() as admin:
        admin.set(second, "somebody else's")
    completed, claimed = store.complete_and_claim(completion_of(first), claim_of(second))
    assert isinstance(completed, Applied)
    assert isinstance(claimed, StoreError)


@pytest.mark.parametrize("known", ["claim", "complete", "neither"])
def test_a_script_that_the_server_has_forgotten_is_sent_alone(
    store: RedisStore, server: RedisServer, proxy: RedisProxy, known: str
) -> None:
    first, second = new_key(), new_key()
    store.claim(claim_of(first))
    with server.admin() as admin:
        admin.script_flush()
    if known == "claim":
        store.claim(claim_of(new_key()))
    elif known == "complete":
        store.complete(completion_of(new_key()))
    proxy.forget()
    replies = store.complete_and_claim(completion_of(first), claim_of(second))
    assert all(isinstance(reply, Applied) for reply in replies)
    sent = 2 if known == "neither" else 1
    assert proxy.commands == ["EVALSHA", "EVALSHA", *["EVAL"] * sent]


@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.parametrize("lose", [RedisProxy.lose_request, RedisProxy.lose_reply])
def test_whatever_is_lost_each_record_has_one_effect(
    store: RedisStore, proxy: RedisProxy, number: int, lose: Callable[[RedisProxy, int], None]
) -> None:
    orders = Orders()
    three = items(3)
    lose(proxy, number)
    handle(store, orders, *map(sqs, three))
    assert handle(store, orders, *map(sqs, three)) == []
    assert sorted(orders.done) == sorted(three)


@pytest.mark.parametrize("number", range(1, 7))
def test_a_lost_reply_changes_no_order(store: RedisStore, proxy: RedisProxy, number: int) -> None:
    orders = Orders()
    three = items(3)
    proxy.lose_reply(number)
    handle(store, orders, *map(kinesis, three))
    assert handle(store, orders, *map(kinesis, three)) == []
    assert orders.done == three


def test_a_server_that_is_away_fails_both(store: RedisStore, proxy: RedisProxy) -> None:
    proxy.lose_request(*range(1, 99))
    with invocation(1.0):
        replies = store.complete_and_claim(completion_of(new_key()), claim_of(new_key()))
    assert all(isinstance(reply, StoreError) for reply in replies)
