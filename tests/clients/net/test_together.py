"""Several coroutines in one thread: each waits as if it were alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest

from lambda_idempotency.clients.net.connection import Connection
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.together import SHARED, together
from lambda_idempotency.clients.net.waiting import WRITABLE

Pair: TypeAlias = tuple[Connection, socket.socket]


@pytest.fixture
def pairs() -> Iterator[tuple[Pair, Pair]]:
    """Yield two connections, each with the socket of its peer."""
    with ExitStack() as stack:

        def pair() -> Pair:
            mine, peers = (stack.enter_context(each) for each in socket.socketpair())
            mine.setblocking(False)
            return Connection(mine, SHARED, Deadline(30)), peers

        yield pair(), pair()


async def _asked(connection: Connection, question: bytes) -> bytes:
    await connection.send(question)
    return await connection.receive()


def test_both_have_asked_before_one_is_answered(pairs: tuple[Pair, Pair]) -> None:
    (one, ones), (other, others) = pairs

    async def answered_late() -> bytes:
        answer = await _asked(one, b"1")
        others.sendall(b"other")  # the other one waits for it
        return answer

    async def answers() -> bytes:
        await other.send(b"2")
        assert ones.recv(1) == b"1"
        ones.sendall(b"one")
        return await other.receive()

    assert together(answered_late(), answers()) == [b"one", b"other"]


def test_one_that_fails_leaves_the_other_alone(pairs: tuple[Pair, Pair]) -> None:
    (one, ones), (other, others) = pairs
    ones.close()
    others.sendall(b"answer")
    failed, answer = together(_asked(one, b"1"), _asked(other, b"2"))
    assert isinstance(failed, OSError)
    assert answer == b"answer"


def test_each_ends_at_its_own_deadline(pairs: tuple[Pair, Pair]) -> None:
    (one, _), (other, others) = pairs
    one.lend(SHARED, Deadline(0.01))

    async def outlives() -> bytes:
        with pytest.raises(TimeoutError):
            await _asked(one, b"1")
        others.sendall(b"after it")
        return b""

    assert together(outlives(), other.receive()) == [b"", b"after it"]


def test_a_deadline_that_has_passed_is_a_time_out(pairs: tuple[Pair, Pair]) -> None:
    (one, _), (_, others) = pairs
    (late,) = together(SHARED.ready(others.fileno(), WRITABLE, Deadline(-1)))
    assert isinstance(late, TimeoutError)
    one.lend(SHARED, Deadline(-1))
    (failed,) = together(_asked(one, b"1"))
    assert isinstance(failed, TimeoutError)


def test_a_lock_that_the_other_one_holds_is_waited_for_and_not_for_ever() -> None:
    lock = threading.Lock()
    order = []

    async def holds() -> None:
        assert await SHARED.acquire(lock, Deadline(30))
        await SHARED.sleep(0.02)
        order.append("held")
        lock.release()

    async def wants() -> None:
        assert not await SHARED.acquire(lock, Deadline(0.001))
        assert await SHARED.acquire(lock, Deadline(30))
        order.append("acquired")
        lock.release()

    assert together(holds(), wants()) == [None, None]
    assert order == ["held", "acquired"]


def test_the_first_socket_that_is_writable_is_told(pairs: tuple[Pair, Pair]) -> None:
    (_, ones), (_, others) = pairs
    files = [ones.fileno(), others.fileno()]
    (found,) = together(SHARED.first_writable(files, Deadline(30)))
    assert sorted(found) == sorted(files)  # type: ignore[arg-type]


def test_what_a_signal_handler_raises_ends_both(pairs: tuple[Pair, Pair]) -> None:
    (one, _), (other, _) = pairs
    ended = []

    async def noting(asked: Coroutine[Any, Any, bytes]) -> bytes:
        try:
            return await asked
        finally:
            ended.append(True)

    async def interrupted() -> bytes:
        await SHARED.sleep(0.001)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        together(noting(_asked(one, b"1")), noting(interrupted()), noting(_asked(other, b"2")))
    assert ended == [True, True, True]
