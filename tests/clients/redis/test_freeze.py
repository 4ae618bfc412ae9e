"""An environment that was frozen wakes up with old connections: none of them fails a call."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from kit.network.proxy import LossyProxy
from kit.network.tls import TlsFront, certificates
from kit.redis.access import NAMESPACE, USER, VERBS, Access, Clocks, Publish, ask
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer, until
from lambda_idempotency import idempotent
from lambda_idempotency.clients.net.pool import MAX_IDLE_S
from lambda_idempotency.clients.redis.node import MAX_AGE_S
from lambda_idempotency.clients.redis.parameter import ParameterClient
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.testing.store_harness import new_key

THREADS = 8


@pytest.fixture
def client(
    access: Access, publish: Publish, redis_proxy: RedisProxy, aws_proxy: LossyProxy
) -> ParameterClient:
    """Return a client with as many connections as threads that used it at the same time."""
    publish(port=redis_proxy.port)
    client = access.client()
    ask(client)  # the settings are read
    _at_once(client, redis_proxy)
    assert redis_proxy.connections == THREADS
    redis_proxy.forget()
    aws_proxy.operations.clear()
    return client


def _at_once(client: ParameterClient, proxy: RedisProxy) -> None:
    """Make calls from many threads, none of which ends before all have begun."""
    before = len(proxy.commands)
    proxy.hold_reply(*range(before + 1, before + 200))
    start = Barrier(THREADS)

    def call() -> None:
        start.wait()
        ask(client)

    def all_have_begun() -> bool:
        return proxy.commands[before:].count("HGETALL") == THREADS

    with ThreadPoolExecutor(THREADS) as pool:
        calls = [pool.submit(call) for _ in range(THREADS)]
        until(lambda: _let_in(proxy, all_have_begun), "all threads wait for a reply")
        proxy.release()
        for one in calls:
            one.result()


def _let_in(proxy: RedisProxy, enough: Callable[[], bool]) -> bool:
    """Release every AUTH that waits, and return whether that is enough."""
    proxy.release(*(n for n, name in enumerate(proxy.commands, 1) if name == "AUTH"))
    return enough()


@pytest.mark.parametrize("by", ["the network", "the server"])
def test_connections_that_were_closed_are_replaced_without_an_error(
    client: ParameterClient,
    shared_server: RedisServer,
    redis_proxy: RedisProxy,
    aws_proxy: LossyProxy,
    by: str,
) -> None:
    if by == "the network":
        redis_proxy.cut()
    else:
        with shared_server.admin() as admin:
            assert admin.execute_command("CLIENT", "KILL", "USER", USER) == THREADS
    for _ in range(THREADS):
        ask(client)
    assert redis_proxy.connections == 1
    assert aws_proxy.operations == []


def test_threads_that_meet_closed_connections_at_once_replace_them_without_an_error(
    client: ParameterClient, redis_proxy: RedisProxy, aws_proxy: LossyProxy
) -> None:
    for _ in range(10):
        redis_proxy.cut()
        _at_once(client, redis_proxy)
    assert aws_proxy.operations == []


def test_a_connection_that_has_gone_silent_is_replaced_without_an_error(
    client: ParameterClient,
    redis_proxy: RedisProxy,
    aws_proxy: LossyProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lambda_idempotency.clients.redis.node.ATTEMPT_S", 0.3)
    redis_proxy.hold(1)
    ask(client)
    assert redis_proxy.commands == ["HGETALL", "AUTH", "HGETALL"]
    assert aws_proxy.operations == []


@pytest.mark.parametrize(("idle", "opened"), [(MAX_IDLE_S - 1, 0), (MAX_IDLE_S + 1, 1)])
def test_a_connection_is_trusted_for_its_idle_time(
    client: ParameterClient,
    redis_proxy: RedisProxy,
    monkeypatch: pytest.MonkeyPatch,
    idle: float,
    opened: int,
) -> None:
    clocks = Clocks(monkeypatch)
    ask(client)
    redis_proxy.forget()
    clocks.advance(idle)
    ask(client)
    assert redis_proxy.connections == opened


@pytest.mark.parametrize("replaced", [False, True])
def test_use_keeps_a_connection_but_for_its_age(
    client: ParameterClient,
    redis_proxy: RedisProxy,
    monkeypatch: pytest.MonkeyPatch,
    *,
    replaced: bool,
) -> None:
    clocks = Clocks(monkeypatch)
    ask(client)
    redis_proxy.forget()
    if replaced:
        redis_proxy.hold(1)
        monkeypatch.setattr("lambda_idempotency.clients.redis.node.ATTEMPT_S", 0.3)
        ask(client)
        assert redis_proxy.commands == ["HGETALL", "AUTH", "HGETALL"]
        redis_proxy.forget()
    for _ in range(int(MAX_AGE_S // 50) - 1):
        clocks.advance(50)
        ask(client)
    assert redis_proxy.connections == 0
    clocks.advance(50)
    ask(client)
    clocks.advance(50)
    ask(client)
    assert redis_proxy.connections == 1


def test_connections_over_tls_are_replaced_too(
    access: Access, publish: Publish, shared_server: RedisServer, tmp_path: Path
) -> None:
    files = certificates(tmp_path, "localhost")
    with TlsFront(shared_server.plain_port, files) as front:
        publish(host="localhost", port=front.port, tls=True, ca=files.ca.read_text())
        client = access.client()
        for _ in range(3):
            ask(client)
            front.cut()
        ask(client)


def test_a_closed_client_opens_new_connections(
    client: ParameterClient, redis_proxy: RedisProxy
) -> None:
    client.close()
    ask(client)
    assert redis_proxy.connections == 1


def test_nothing_is_read_or_opened_before_the_first_call(
    access: Access, publish: Publish, redis_proxy: RedisProxy, aws_proxy: LossyProxy
) -> None:
    """A snapshot of the environment would keep forever what is done while it starts."""
    publish(port=redis_proxy.port)
    store = RedisStore(access.client())
    handler = idempotent(store=store, namespace=NAMESPACE)(lambda event, context: event)
    assert aws_proxy.operations == []
    assert redis_proxy.connections == 0
    handler({"order": 1}, None)
    assert aws_proxy.operations == ["GetParameter", "GetSecretValue"]
    for verb in VERBS:
        VERBS[verb](store, new_key())
    assert redis_proxy.connections == 1
