"""Connections to a single server: which thread uses which, and what becomes of it after an
exchange.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from redis.connection import Connection
from redis.exceptions import ResponseError

from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from lambda_idempotency.clients.redis.connections import SingleServer, server_of
from lambda_idempotency.clients.redis.credentials import LoadedCredentials

THREADS = 16


@pytest.fixture
def single(shared_server: RedisServer, redis_proxy: RedisProxy) -> Iterator[SingleServer]:
    """Yield the shared server, as a client sees it, behind the proxy, with all rights."""
    credentials = LoadedCredentials(
        lambda: (shared_server.admin_password,), place="the test", refresh_after=900
    )
    server = server_of(shared_server.settings(port=redis_proxy.port), credentials)
    assert isinstance(server, SingleServer)
    yield server
    server.close()


def test_commands_one_after_another_share_a_connection(
    single: SingleServer, redis_proxy: RedisProxy
) -> None:
    for number in range(20):
        assert single.execute(("ECHO", number)) == str(number).encode()
    assert redis_proxy.connections == 1
    assert redis_proxy.commands == ["AUTH", *["ECHO"] * 20]


def test_threads_never_share_a_connection(single: SingleServer, redis_proxy: RedisProxy) -> None:
    start = Barrier(THREADS)

    def work(thread: int) -> bool:
        start.wait()
        texts = [f"{thread}:{number}".encode() for number in range(25)]
        return all(single.execute(("ECHO", text)) == text for text in texts)

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(work, range(THREADS)))
    assert redis_proxy.connections <= THREADS


def test_closing_disturbs_no_thread_that_uses_it(single: SingleServer) -> None:
    start = Barrier(THREADS)

    def work(thread: int) -> bool:
        start.wait()
        for number in range(25):
            text = f"{thread}:{number}".encode()
            assert single.execute(("ECHO", text)) == text
            single.close()
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(work, range(THREADS)))


def test_an_answer_that_is_an_error_leaves_the_connection(
    single: SingleServer, redis_proxy: RedisProxy
) -> None:
    for _ in range(3):
        with pytest.raises(ResponseError):
            single.execute(("EVAL", "nonsense", 0))
    assert single.execute(("ECHO", "text")) == b"text"
    assert redis_proxy.connections == 1


@pytest.mark.parametrize("size", [0, 1, 70_000, 5_000_000])
def test_an_answer_comes_back_whole_however_long(single: SingleServer, size: int) -> None:
    text = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert single.execute(("ECHO", text)) == text


class _Interrupt(BaseException):
    """An exception that a signal handler may raise at any moment."""


def test_an_answer_that_nobody_waited_for_is_nobody_elses(
    single: SingleServer, redis_proxy: RedisProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise _Interrupt

    single.execute(("ECHO", "first"))
    monkeypatch.setattr(Connection, "read_response", interrupted)
    with pytest.raises(_Interrupt):
        single.execute(("ECHO", "second"))
    monkeypatch.undo()
    assert single.execute(("ECHO", "third")) == b"third"
    assert redis_proxy.connections == 2
