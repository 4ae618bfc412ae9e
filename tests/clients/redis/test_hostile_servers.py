"""Servers that answer anything: each call ends with a reply or a `StoreError`, in time."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.network.loopback import LoopbackServer
from kit.redis.access import ME, VERBS, Access, Clocks, claim, invocation
from kit.strategies import thorough
from lambda_idempotency.clients.net.secret import Secret
from lambda_idempotency.clients.net.waiting import BLOCKING, Waits, run
from lambda_idempotency.clients.redis.fixed import client_of_url
from lambda_idempotency.clients.redis.resp import Command, Replies, Reply, ResponseError, pack
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.record import Absent, Applied, Conflict, Record
from lambda_idempotency.stores.redis import RedisStore

KEY: Final = "shop#1"
NOW: Final = 1_800_000_000_000
RECORD: Final = ("status", "COMPLETED", "owner", ME, "attempt", 1, "expiration", NOW // 1000 + 60)
CONFLICT: Final = pack([f"1 {NOW} {KEY}", *RECORD])


class Answering(LoopbackServer):
    """A server with one answer to all commands; with `cuts` it then ends the connection."""

    def __init__(self, answer: bytes, *, cuts: bool = False) -> None:
        self.answer = answer
        self._cuts = cuts
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        while connection.recv(65_536):
            connection.sendall(self.answer)
            if self._cuts:
                return


HOSTILE: Final = {
    "a gigabyte": b"$1000000000\r\n",
    "a billion values": b"*1000000000\r\n",
    "depth": b"*1\r\n" * 100_000,
    "a push": b">2\r\n+message\r\n+text\r\n",
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "no line": b"x" * 1_000_000,
    "nothing": b"$-1\r\n",
    "a number": b":1\r\n",
    "a text": b"+OK\r\n",
    "an error": b"-ERR unknown command, with args beginning with: 'hunter2'\r\n",
    "an error among values": b"*2\r\n$10\r\n1 1 shop#1\r\n-ERR hunter2\r\n",
    "another verdict": pack([f"7 1 {KEY}"]),
    "a head that is a number": b"*1\r\n:0\r\n",
    "a head that is a text": pack([f"0 1 {KEY}"]).removeprefix(b"*1\r\n"),
    "another key": pack(["0 1 shop#2"]),
    "no key": pack(["0 1"]),
    "no time": pack([f"0 now {KEY}"]),
    "a time of many digits": pack([f"0 {'9' * 5000} {KEY}"]),
    "an error that names a node": b"-MOVED 1 127.0.0.1:1\r\n",
    "an error without a node": b"-MOVED\r\n",
    "fields of numbers": b"*3\r\n$10\r\n1 1 shop#1\r\n:1\r\n:2\r\n",
    "odd fields": pack([f"1 1 {KEY}", "a"]),
    "no fields": pack([f"1 1 {KEY}"]),
}


@pytest.mark.usefixtures("clocks")
@pytest.mark.parametrize("cluster", [False, True])
@pytest.mark.parametrize("answer", HOSTILE)
def test_an_answer_that_is_none_is_a_store_error(
    access: Access, answer: str, *, cluster: bool
) -> None:
    with Answering(HOSTILE[answer]) as server:
        access.publish(
            {
                "host": "127.0.0.1",
                "port": server.port,
                "tls": False,
                "cluster": cluster,
                "credentials": {"type": "none"},
            }
        )
        store = RedisStore(access.client())
        for verb in VERBS:
            with invocation(0.3), pytest.raises(StoreError) as raised:
                VERBS[verb](store, KEY)
            assert "hunter2" not in str(raised.value)


REPLIES: Final = {"applied": pack([f"0 {NOW} {KEY}"]), "conflict": CONFLICT}


@pytest.mark.parametrize("whole", REPLIES)
def test_every_answer_that_is_cut_is_a_store_error(clocks: Clocks, whole: str) -> None:
    answer = REPLIES[whole]
    with Answering(answer, cuts=True) as server:
        url = Secret(f"redis://127.0.0.1:{server.port}")
        store = RedisStore(client_of_url(url, sleep=clocks.sleep))
        for end in range(len(answer)):
            server.answer = answer[:end]
            with invocation(0.02), pytest.raises(StoreError):
                store.claim(claim(KEY))
        server.answer = answer
        assert isinstance(store.claim(claim(KEY)), Applied | Conflict)
        store.close()


class Canned:
    """A client whose server sends these bytes."""

    name = "canned"

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def execute_all(self, commands: Sequence[Command]) -> list[Reply]:
        """Return what the bytes are, as a client does."""
        return run(self.ask(commands, BLOCKING))

    async def ask(self, commands: Sequence[Command], waits: Waits) -> list[Reply]:
        """Do as `execute_all`."""
        replies = Replies(len(commands))
        try:
            if replies.feed(self._answer):
                return replies.values
        except ResponseError:
            pass
        raise StoreError("lost")


def _is_reply(reply: object) -> bool:
    if isinstance(reply, Conflict):
        return isinstance(reply.record, Record) and reply.record.key == KEY
    return isinstance(reply, (Applied, Absent))


@thorough
@given(
    start=st.integers(0, len(CONFLICT)),
    end=st.integers(0, len(CONFLICT)),
    middle=st.binary(max_size=8) | st.sampled_from(list(HOSTILE.values())),
)
def test_a_damaged_answer_is_a_reply_to_this_request_or_a_store_error(
    start: int, end: int, middle: bytes
) -> None:
    store = RedisStore(Canned(CONFLICT[:start] + middle + CONFLICT[end:]))
    try:
        reply = store.read(KEY)
    except StoreError:
        return
    assert _is_reply(reply)


def test_a_whole_answer_is_a_reply() -> None:
    reply = RedisStore(Canned(CONFLICT)).read(KEY)
    assert isinstance(reply, Conflict)
    assert reply.record.owner == ME


def test_an_answer_to_another_request_is_refused() -> None:
    with pytest.raises(StoreError, match="another record than the one"):
        RedisStore(Canned(CONFLICT)).read("shop#2")
