"""Connections to a server: which thread and process uses which, and what becomes of it after an
exchange.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from typing import Any

import pytest

from kit.network.loopback import LoopbackServer
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from lambda_idempotency.clients.net.aio import AIO
from lambda_idempotency.clients.net.connection import Connection
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.secret import Secret
from lambda_idempotency.clients.net.waiting import BLOCKING, READABLE, Blocking, Waits, run
from lambda_idempotency.clients.redis.credentials import LoadedCredentials, Login
from lambda_idempotency.clients.redis.node import Node
from lambda_idempotency.clients.redis.resp import Reply, ReplyError, ResponseError
from lambda_idempotency.clients.redis.slots import Address

THREADS = 16
PATIENCE_S = 30.0


class Single:
    """A node, as a thread uses it."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def execute(self, command: tuple[Any, ...]) -> Reply:
        """Send a command and return its reply."""
        [reply] = self.together([command])
        return reply

    def together(self, commands: Sequence[tuple[Any, ...]], waits: Waits = BLOCKING) -> list[Reply]:
        """Send commands in one write and return their replies."""
        return run(self.node.execute(commands, waits, Deadline(PATIENCE_S)))

    async def on_a_loop(self, *commands: tuple[Any, ...]) -> list[Reply]:
        """Send commands in one write and return their replies."""
        return await self.node.execute(commands, AIO, Deadline(PATIENCE_S))


@pytest.fixture
def single(shared_server: RedisServer, redis_proxy: RedisProxy) -> Iterator[Single]:
    """Yield the shared server, as a client sees it, behind the proxy, with all rights."""

    async def load(waits: Waits, deadline: Deadline) -> Login:
        return Login(None, Secret(shared_server.admin_password))

    credentials = LoadedCredentials(load, place="the test", refresh_after=900)
    node = Node(Address("127.0.0.1", redis_proxy.port), credentials=credentials)
    yield Single(node)
    node.close()


def test_commands_one_after_another_share_a_connection(
    single: Single, redis_proxy: RedisProxy
) -> None:
    for number in range(20):
        assert single.execute(("ECHO", number)) == str(number).encode()
    assert redis_proxy.connections == 1
    assert redis_proxy.commands == ["AUTH", *["ECHO"] * 20]


def test_threads_never_share_a_connection(single: Single, redis_proxy: RedisProxy) -> None:
    start = Barrier(THREADS)

    def work(thread: int) -> bool:
        start.wait()
        texts = [f"{thread}:{number}".encode() for number in range(25)]
        return all(single.execute(("ECHO", text)) == text for text in texts)

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(work, range(THREADS)))
    assert redis_proxy.connections <= THREADS


def test_closing_disturbs_no_thread_that_uses_it(single: Single) -> None:
    start = Barrier(THREADS)

    def work(thread: int) -> bool:
        start.wait()
        for number in range(25):
            text = f"{thread}:{number}".encode()
            assert single.execute(("ECHO", text)) == text
            single.node.close()
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(work, range(THREADS)))


def test_an_answer_that_is_an_error_leaves_the_connection(
    single: Single, redis_proxy: RedisProxy
) -> None:
    for _ in range(3):
        assert isinstance(single.execute(("EVAL", "nonsense", 0)), ReplyError)
    assert single.execute(("ECHO", "text")) == b"text"
    assert redis_proxy.connections == 1


@pytest.mark.parametrize("size", [0, 1, 70_000, 5_000_000])
def test_an_answer_comes_back_whole_however_long(single: Single, size: int) -> None:
    text = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert single.execute(("ECHO", text)) == text


def test_commands_together_are_one_write(single: Single, redis_proxy: RedisProxy) -> None:
    single.execute(("ECHO", "first"))
    redis_proxy.forget()
    sent = [("ECHO", number) for number in range(20)]
    assert single.together(sent) == [str(number).encode() for number in range(20)]
    assert redis_proxy.round_trips == 1


# Exchanges that are cut short ---------------------------------------------------------------------


class _Interrupt(BaseException):
    """An exception that a signal handler may raise at any moment."""


def test_an_answer_that_nobody_waited_for_is_nobody_elses(
    single: Single, redis_proxy: RedisProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(*_: object) -> bytes:
        raise _Interrupt

    single.execute(("ECHO", "first"))
    monkeypatch.setattr(Connection, "receive", interrupted)
    with pytest.raises(_Interrupt):
        single.execute(("ECHO", "second"))
    monkeypatch.undo()
    assert single.execute(("ECHO", "third")) == b"third"
    assert redis_proxy.connections == 2


def test_a_connection_whose_call_ran_out_of_time_is_closed(
    single: Single, redis_proxy: RedisProxy
) -> None:
    class Late(Blocking):
        async def ready(self, file: int, event: int, deadline: Deadline) -> None:
            if event == READABLE:
                raise TimeoutError
            await super().ready(file, event, deadline)

    single.execute(("ECHO", "first"))
    with pytest.raises(TimeoutError):
        single.together([("ECHO", "second")], Late())
    assert single.execute(("ECHO", "third")) == b"third"
    assert redis_proxy.commands.count("AUTH") >= 2


class Halved(LoopbackServer):
    """A server that cuts each reply off after some bytes and closes, then replies to the rest."""

    REPLY = b"*3\r\n:1\r\n$3\r\nabc\r\n*1\r\n$-1\r\n"

    def __init__(self) -> None:
        self._cuts = count(0)
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        cut = next(self._cuts)
        while connection.recv(65_536):
            connection.sendall(self.REPLY[:cut])
            if cut < len(self.REPLY):
                return


def test_a_reply_that_is_cut_off_anywhere_is_no_reply() -> None:
    with Halved() as server:
        single = Single(Node(Address("127.0.0.1", server.port)))
        for _ in range(len(Halved.REPLY)):
            with pytest.raises(ConnectionResetError):
                single.execute(("READ",))
        for _ in range(3):
            assert single.execute(("READ",)) == [1, b"abc", [None]]
        single.node.close()


class Talkative(LoopbackServer):
    """A server that says more than it is asked."""

    def serve(self, connection: socket.socket) -> None:
        while connection.recv(65_536):
            connection.sendall(b"+yours\r\n+another's\r\n")


def test_a_connection_that_says_more_than_it_is_asked_is_not_used_again() -> None:
    with Talkative() as server:
        single = Single(Node(Address("127.0.0.1", server.port)))
        for _ in range(3):
            with pytest.raises(ResponseError):
                single.execute(("READ",))
        assert single.node._pool._idle == []


# On an event loop ---------------------------------------------------------------------------------


def test_tasks_on_a_loop_never_share_a_connection(single: Single, redis_proxy: RedisProxy) -> None:
    async def work(task: int) -> bool:
        texts = [f"{task}:{number}".encode() for number in range(25)]
        return all([await single.on_a_loop(("ECHO", text)) == [text] for text in texts])

    async def main() -> list[bool]:
        return await asyncio.gather(*(work(task) for task in range(THREADS)))

    assert all(asyncio.run(main()))
    assert 1 <= redis_proxy.connections <= THREADS


def test_the_connection_of_a_cancelled_task_is_closed(
    single: Single, redis_proxy: RedisProxy
) -> None:
    async def main() -> list[Reply]:
        await single.on_a_loop(("ECHO", "first"))
        arrived = len(redis_proxy.commands) + 1
        redis_proxy.hold_reply(arrived)
        task = asyncio.create_task(single.on_a_loop(("ECHO", "second")))
        await asyncio.to_thread(redis_proxy.wait_arrived, arrived)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        redis_proxy.release()
        return await single.on_a_loop(("ECHO", "third"))

    assert asyncio.run(main()) == [b"third"]
    assert redis_proxy.connections == 2


def test_a_loop_and_a_thread_use_the_same_connections(
    single: Single, redis_proxy: RedisProxy
) -> None:
    asyncio.run(single.on_a_loop(("ECHO", "first")))
    single.execute(("ECHO", "second"))
    asyncio.run(single.on_a_loop(("ECHO", "third")))
    assert redis_proxy.connections == 1
