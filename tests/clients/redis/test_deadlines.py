"""An invocation's remaining time is Redis's time limit: however silent Redis is, the call ends."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from typing import Final, TypeAlias

import pytest

from kit.network.fault_server import SILENCE, FaultServer
from kit.network.processes import free_port
from kit.redis.access import PASSWORD, VERBS, Access, Clocks, Publish, ask, completion, invocation
from kit.redis.cluster import RedisCluster
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer, until
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.net.deadline import RESERVE_S, SEND_S, Deadline, reserve_of
from lambda_idempotency.clients.net.waiting import Blocking, run
from lambda_idempotency.clients.redis.base import BUDGET_S
from lambda_idempotency.clients.redis.node import ATTEMPT_S
from lambda_idempotency.clients.redis.parameter import ParameterClient
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.record import COMPLETED, Conflict
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.testing.store_harness import new_key

PATIENCE: Final = 60.0
"""Seconds after which a call counts as hanging."""
LONG: Final = 900.0
"""Seconds: as long as a Lambda function can run."""


@pytest.fixture
def clocks(clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """Return clocks on which time passes only in pauses, each as long as it may be."""
    monkeypatch.setattr(os, "urandom", lambda size: b"\xff" * size)
    return clocks


# Silence ------------------------------------------------------------------------------------------

ASKED: Final = [("HGETALL", "shop#none")]
Silence: TypeAlias = Callable[[ExitStack, Access, Publish], None]


def _server_says_nothing(stack: ExitStack, access: Access, publish: Publish) -> None:
    proxy = stack.enter_context(RedisProxy(1))
    proxy.blackhole()
    publish(port=proxy.port)


def _server_accepts_nobody(stack: ExitStack, access: Access, publish: Publish) -> None:
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(4):  # as many as already wait, and more
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
    publish(port=listener.getsockname()[1])


def _tls_says_nothing(stack: ExitStack, access: Access, publish: Publish) -> None:
    proxy = stack.enter_context(RedisProxy(1))
    proxy.blackhole()
    publish(port=proxy.port, tls=True)


def _cluster_says_nothing(stack: ExitStack, access: Access, publish: Publish) -> None:
    proxy = stack.enter_context(RedisProxy(1))
    proxy.blackhole()
    publish(port=proxy.port, cluster=True)


def _parameters_say_nothing(stack: ExitStack, access: Access, publish: Publish) -> None:
    publish()
    silent = stack.enter_context(FaultServer(otherwise=SILENCE))
    access.environment["AWS_ENDPOINT_URL_SSM"] = silent.endpoint


def _secrets_say_nothing(stack: ExitStack, access: Access, publish: Publish) -> None:
    publish()
    silent = stack.enter_context(FaultServer(otherwise=SILENCE))
    access.environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = silent.endpoint


SILENCES: Final[list[Silence]] = [
    _server_says_nothing,
    _server_accepts_nobody,
    _tls_says_nothing,
    _cluster_says_nothing,
    _parameters_say_nothing,
    _secrets_say_nothing,
]


def _ends(client: ParameterClient) -> StoreError:
    """Return the failure of a call in a thread of its own, which does not hang."""
    with ThreadPoolExecutor(1) as pool:
        failure = pool.submit(copy_context().run, ask, client).exception(timeout=PATIENCE)
    assert isinstance(failure, StoreError)
    return failure


@pytest.mark.parametrize("seconds", [0.0, 0.3, 1.2])
@pytest.mark.parametrize("silence", SILENCES)
def test_a_call_ends_with_its_invocation_whoever_is_silent(
    access: Access, publish: Publish, resources: ExitStack, silence: Silence, seconds: float
) -> None:
    silence(resources, access, publish)
    client = access.client()
    with invocation(seconds):
        _ends(client)


def test_without_an_invocation_a_call_ends_too(
    access: Access,
    publish: Publish,
    resources: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lambda_idempotency.clients.redis.node.ATTEMPT_S", 0.1)
    monkeypatch.setattr("lambda_idempotency.clients.redis.base.BUDGET_S", 0.5)
    _server_says_nothing(resources, access, publish)
    _ends(access.client())


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_an_invocation_that_is_over_is_told_so_at_the_first_silence(
    access: Access, publish: Publish, redis_proxy: RedisProxy, seconds: float
) -> None:
    publish(port=redis_proxy.port)
    client = access.client()
    ask(client)
    redis_proxy.forget()
    redis_proxy.blackhole()
    with invocation(seconds), pytest.raises(StoreError, match="no answer in time"):
        ask(client)
    assert len(redis_proxy.commands) <= 2  # over the old connection, and over a new one


def test_a_reply_that_takes_a_while_is_waited_for(
    access: Access, publish: Publish, redis_proxy: RedisProxy
) -> None:
    publish(port=redis_proxy.port)
    redis_proxy.delay = 0.3
    with invocation(LONG):
        ask(access.client())


@pytest.mark.usefixtures("clocks")
def test_a_connection_that_was_given_little_time_has_more_in_the_next_invocation(
    access: Access, publish: Publish, redis_proxy: RedisProxy
) -> None:
    publish(port=redis_proxy.port)
    client = access.client()
    with invocation(1.0):
        ask(client)
    redis_proxy.delay = 0.8  # more than is left of that after the reserve
    ask(client)
    assert redis_proxy.connections == 1


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_a_completion_that_is_too_late_is_sent_all_the_same(
    access: Access,
    publish: Publish,
    redis_proxy: RedisProxy,
    seconds: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "function")
    publish(port=redis_proxy.port)
    store = RedisStore(access.client())
    key = new_key()
    for verb in ("read", "claim"):
        VERBS[verb](store, key)
    store.complete(completion(new_key()))
    redis_proxy.delay = 0.1  # the reply does not come in time
    with (
        invocation(seconds),
        deadline.completion(),
        pytest.raises(StoreError, match="no answer in time"),
    ):
        store.complete(completion(key))
    redis_proxy.delay = 0

    def is_recorded() -> bool:
        reply = store.read(key)
        return isinstance(reply, Conflict) and reply.record.status == COMPLETED

    until(is_recorded, "the completion has arrived")


# Tries --------------------------------------------------------------------------------------------


@pytest.fixture
def refused(access: Access, publish: Publish, clocks: Clocks) -> ParameterClient:
    """Return a client of a port on which nothing listens."""
    publish(port=free_port())
    return access.client()


@pytest.mark.parametrize(
    ("left", "longest"),
    [
        (LONG, BUDGET_S),
        (BUDGET_S + RESERVE_S, BUDGET_S),
        (3.0, 2.7),
        (1.0, 0.9),
        (0.2, 0.18),
        (0.0, 0.0),
    ],
)
def test_tries_end_early_enough_for_the_failure_to_be_told(
    refused: ParameterClient, clocks: Clocks, left: float, longest: float
) -> None:
    with invocation(left), pytest.raises(StoreError):
        ask(refused)
    assert longest - 1 <= sum(clocks.slept) <= longest


def test_pauses_grow_and_none_is_long(refused: ParameterClient, clocks: Clocks) -> None:
    with invocation(LONG), pytest.raises(StoreError):
        ask(refused)
    assert clocks.slept == sorted(clocks.slept)
    assert clocks.slept[0] > 0
    assert clocks.slept[-1] <= 1.0
    assert len(clocks.slept) < 10


def test_a_try_after_each_pause_and_no_more(
    access: Access, publish: Publish, redis_proxy: RedisProxy, clocks: Clocks
) -> None:
    publish(port=redis_proxy.port)
    redis_proxy.lose_request(*range(1, 1000))
    with invocation(LONG), pytest.raises(StoreError, match="the connection was closed"):
        ask(access.client())
    assert redis_proxy.connections == 1 + len(clocks.slept)
    assert redis_proxy.commands == ["AUTH"] * redis_proxy.connections


class Watched(Blocking):
    """Waits that note how long they may take, and of which none succeeds from a number on.

    Those move the clocks to their end, and take no time.
    """

    def __init__(self, clocks: Clocks, *, good: int) -> None:
        super().__init__(clocks.sleep)
        self.left: list[float] = []
        self._clocks = clocks
        self._good = good

    async def ready(self, file: int, event: int, deadline: Deadline) -> None:
        if self._ends(deadline):
            raise TimeoutError
        await super().ready(file, event, deadline)

    async def first_writable(self, files: Sequence[int], deadline: Deadline) -> list[int]:
        if self._ends(deadline):
            raise TimeoutError
        return await super().first_writable(files, deadline)

    async def acquire(self, lock: threading.Lock, deadline: Deadline) -> bool:
        return False if self._ends(deadline) else await super().acquire(lock, deadline)

    def _ends(self, deadline: Deadline) -> bool:
        self.left.append(deadline.left())
        if len(self.left) <= self._good:
            return False
        self._clocks.advance(max(deadline.left(), 0))
        return True


def test_one_exchange_has_seconds_however_long_the_invocation(
    access: Access, publish: Publish, clocks: Clocks
) -> None:
    publish()
    waits = Watched(clocks, good=1000)
    with invocation(LONG):
        run(access.client().ask(ASKED, waits))
    assert waits.left
    assert all(0 < left <= ATTEMPT_S for left in waits.left)


def _single(access: Access, publish: Publish, resources: ExitStack) -> None:
    publish()


def _by_name_over_tls(access: Access, publish: Publish, resources: ExitStack) -> None:
    server = resources.enter_context(RedisServer(tls=True))
    credentials = access.add_user(server, PASSWORD)
    access.publish(server.settings(host="localhost", credentials=credentials))


def _cluster(access: Access, publish: Publish, resources: ExitStack) -> None:
    access.publish_cluster(resources.enter_context(RedisCluster()))


@pytest.mark.parametrize("place", [_single, _by_name_over_tls, _cluster])
def test_whichever_wait_is_in_vain_none_passes_the_reserve(
    access: Access,
    publish: Publish,
    resources: ExitStack,
    clocks: Clocks,
    place: Callable[[Access, Publish, ExitStack], None],
) -> None:
    place(access, publish, resources)
    for seconds in (0.2, 1.0, 3.0, LONG):
        longest = min(seconds - reserve_of(seconds), BUDGET_S)
        failed = 0
        while True:
            waits = Watched(clocks, good=failed)
            began = time.monotonic()
            with invocation(seconds):
                try:
                    run(access.client().ask(ASKED, waits))
                    break
                except StoreError:
                    failed += 1
            assert time.monotonic() - began <= longest + SEND_S + 1e-6
        assert failed >= 6  # settings, secret, connecting, AUTH and the command, and more


def test_calls_that_fail_do_not_outlast_one_another(
    access: Access, publish: Publish, shared_server: RedisServer, redis_proxy: RedisProxy
) -> None:
    """Threads that wait for the same settings do not wait in line."""
    publish(port=redis_proxy.port)
    client = access.client()
    ask(client)
    redis_proxy.blackhole()
    with invocation(0.4), ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(copy_context().run, ask, client) for _ in range(8)]
        failures = [call.exception(timeout=PATIENCE) for call in calls]
    assert {type(failure) for failure in failures} == {StoreError}
