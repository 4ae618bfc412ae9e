"""Connections between two exchanges: some are used again, by any thread, and some are not."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from kit.network.fault_server import FaultServer, answer, raw
from lambda_idempotency.clients.aws.connections import (
    Connections,
)
from lambda_idempotency.clients.aws.endpoints import Endpoint
from lambda_idempotency.clients.net.connection import Connection
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.http1 import Response
from lambda_idempotency.clients.net.pool import MAX_IDLE_S
from lambda_idempotency.clients.net.waiting import BLOCKING, run


def _ask(connections: Connections, body: bytes = b"{}", seconds: float = 30) -> Response:
    request = connections.request("POST", "/", {"host": "here"}, body)
    return run(connections.exchange(request, BLOCKING, Deadline(seconds)))


def test_requests_one_after_another_share_a_connection(
    server: FaultServer, connections: Connections
) -> None:
    for _ in range(20):
        _ask(connections)
    assert server.opened == 1


def test_an_idle_connection_that_the_server_closed_is_replaced_without_an_error(
    server: FaultServer, connections: Connections
) -> None:
    server.script(answer(close=True))
    _ask(connections)
    server.wait_closed(1)
    assert _ask(connections).status == 200
    assert [request.connection for request in server.requests] == [1, 2]


def test_a_word_that_nobody_asked_for_ends_its_connection(
    server: FaultServer, connections: Connections
) -> None:
    server.script(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + answer(b"stale").send))
    _ask(connections)
    assert _ask(connections).body == b"{}"
    assert server.opened == 2


@pytest.mark.parametrize(("idle", "opened"), [(MAX_IDLE_S - 1, 1), (MAX_IDLE_S + 1, 2)])
def test_a_connection_is_trusted_for_its_idle_time(
    server: FaultServer,
    connections: Connections,
    monkeypatch: pytest.MonkeyPatch,
    idle: float,
    opened: int,
) -> None:
    _ask(connections)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + idle)
    _ask(connections)
    assert server.opened == opened


def test_closing_closes_what_is_idle_and_no_more(
    server: FaultServer, connections: Connections
) -> None:
    _ask(connections)
    connections.close()
    server.wait_closed(1)
    assert _ask(connections).status == 200
    assert server.opened == 2


def test_threads_never_share_a_connection() -> None:
    threads, rounds = 16, 25
    start = Barrier(threads)

    with FaultServer(otherwise=lambda request: answer(request.body)) as server:
        shared = Connections(Endpoint.parse(server.endpoint))

        def work(thread: int) -> bool:
            start.wait()
            bodies = [f"{thread}:{number}".encode() for number in range(rounds)]
            return all(_ask(shared, body).body == body for body in bodies)

        with ThreadPoolExecutor(threads) as pool:
            assert all(pool.map(work, range(threads)))
        shared.close()
        assert server.opened <= threads
        assert len(server.requests) == threads * rounds


class _Interrupt(BaseException):
    """An exception that a signal handler may raise at any moment."""


def test_the_connection_of_an_interrupted_exchange_is_not_used_again(
    server: FaultServer, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise _Interrupt

    server.script(answer(), answer(b"for the interrupted"), answer(b"for the next one"))
    _ask(connections)
    with monkeypatch.context() as patched:
        patched.setattr(Connection, "receive", interrupt)
        with pytest.raises(_Interrupt):
            _ask(connections)
    server.wait_closed(1)
    assert _ask(connections).body == b"for the next one"
    assert server.opened == 2
