"""The pool of idle connections: what it keeps, what it closes, and what is better than none."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Final

import pytest

from kit.network.loopback import LoopbackServer
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.net.connection import Connection
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.dial import Dialer
from lambda_idempotency.clients.net.pool import Pool
from lambda_idempotency.clients.net.waiting import BLOCKING, run

LONG_AGO: Final = (0.0, 0.0)


class Silent(LoopbackServer):
    """A server that sends nothing."""

    def serve(self, connection: socket.socket) -> None:
        connection.recv(1)


@pytest.fixture
def dialer() -> Iterator[Dialer]:
    with Silent() as server:
        yield Dialer("127.0.0.1", server.port)


def _take(pool: Pool, seconds: float = 30) -> Connection:
    return run(pool.take(BLOCKING, Deadline(seconds)))


def test_a_connection_is_used_again_while_it_is_fresh(dialer: Dialer) -> None:
    pool = Pool(dialer.open)
    first = _take(pool)
    pool.give(first)
    assert _take(pool) is first
    first.close()


def test_a_connection_that_was_idle_for_too_long_is_replaced(dialer: Dialer) -> None:
    pool = Pool(dialer.open, max_idle_s=0)
    first = _take(pool)
    pool.give(first)
    second = _take(pool)
    assert second is not first
    second.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from 3.12 on
def test_a_forks_child_takes_no_connection_of_its_parent(dialer: Dialer) -> None:
    """It would notice before it sends anything, but one of its tries would have failed."""
    pool = Pool(dialer.open)
    first = _take(pool)
    pool.give(first)
    if (child := os.fork()) == 0:
        taken = _take(pool)
        os._exit(1 if taken is first or not taken.is_own else 0)
    assert os.waitpid(child, 0)[1] == 0
    assert _take(pool) is first
    first.close()


def test_a_completion_past_its_time_takes_even_an_old_connection(
    dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no time to open another one, and the handler may have run for minutes."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "function")
    pool = Pool(dialer.open, max_idle_s=0)
    first = _take(pool)
    pool._idle.append(first)
    token = deadline.start(-1)
    with deadline.completion():
        assert _take(pool, -1) is first
    with pytest.raises(TimeoutError):
        _take(pool, -1)
    deadline.end(token)
    first.close()


def test_what_nobody_takes_is_closed_when_its_time_is_over(dialer: Dialer) -> None:
    pool = Pool(dialer.open)
    burst = [_take(pool) for _ in range(5)]
    for connection in burst:
        pool.give(connection)
    for connection in burst[:4]:
        connection.used = LONG_AGO
    pool.give(_take(pool))
    assert pool._idle == burst[4:]
    pool.close()
