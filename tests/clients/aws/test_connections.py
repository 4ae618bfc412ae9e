"""Connections to a server that breaks them: at every point of an exchange, and between two."""

from __future__ import annotations

from typing import Final

import pytest

from kit.network.fault_server import LOST, UNREAD, FaultServer, Request, Step, answer, raw
from kit.network.processes import free_port
from lambda_idempotency.clients.aws.connections import (
    ConnectionFailedError,
    Connections,
)
from lambda_idempotency.clients.aws.endpoints import Endpoint
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.http1 import Response, request_bytes
from lambda_idempotency.clients.net.waiting import BLOCKING, run

OK: Final = b"HTTP/1.1 200 OK\r\n"
CHUNKED: Final = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def _ask(connections: Connections, body: bytes = b"{}", seconds: float = 30) -> Response:
    request = connections.request("POST", "/", {"host": "here"}, body)
    return run(connections.exchange(request, BLOCKING, Deadline(seconds)))


def _failure(connections: Connections, seconds: float = 30) -> ConnectionFailedError:
    with pytest.raises(ConnectionFailedError) as raised:
        _ask(connections, seconds=seconds)
    return raised.value


# Responses ----------------------------------------------------------------------------------------


def test_a_response_is_its_status_its_headers_and_its_body(
    server: FaultServer, connections: Connections
) -> None:
    server.script(answer(b"text", status=418, headers={"X-Amz-Thing": " a b "}))
    response = _ask(connections, b"question")
    assert (response.status, response.body) == (418, b"text")
    assert response.headers == {"content-length": "4", "x-amz-thing": "a b"}
    assert server.requests == [
        Request(
            connection=1,
            method="POST",
            path="/",
            headers={"host": "here", "content-length": "8"},
            body=b"question",
        )
    ]


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (OK + b"Content-Length: 0\r\n\r\n", b""),
        (OK + b"CONTENT-LENGTH:2\r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
        (CHUNKED + b"0\r\n\r\n", b""),
        (CHUNKED + b"3\r\nabc\r\n0000A\r\n0123456789\r\n0\r\n\r\n", b"abc0123456789"),
        (CHUNKED + b'3;name="value";other\r\nabc\r\n0;last\r\n\r\n', b"abc"),
        (CHUNKED + b"3\r\nabc\r\n0\r\nTrailer: 1\r\nOther: 2\r\n\r\n", b"abc"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}", b"{}"),
        (
            b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
            + OK
            + b"Content-Length: 2\r\n\r\n{}",
            b"{}",
        ),
        (OK + b"Content-Length: 2\r\n\r\n\r\n", b"\r\n"),
    ],
    ids=[
        "empty",
        "tight header",
        "no reason",
        "204",
        "304",
        "no chunks",
        "chunks",
        "chunk extensions",
        "trailers",
        "continue",
        "two announcements",
        "line break as body",
    ],
)
def test_a_whole_response_is_read_and_its_connection_kept(
    server: FaultServer, connections: Connections, sent: bytes, body: bytes
) -> None:
    server.script(raw(sent))
    assert _ask(connections).body == body
    assert _ask(connections).body == b"{}"
    assert server.opened == 1


def test_a_response_is_read_however_its_bytes_arrive(
    server: FaultServer, connections: Connections
) -> None:
    sent = CHUNKED + b"3\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n"
    server.script(Step(send=sent, drip=True))
    assert _ask(connections).body == b"abc"


def test_a_large_response_is_read(server: FaultServer, connections: Connections) -> None:
    body = bytes(range(256)) * 4096
    server.script(answer(body))
    assert _ask(connections).body == body


def test_a_large_request_is_sent(server: FaultServer, connections: Connections) -> None:
    body = bytes(range(256)) * 4096
    _ask(connections, body)
    assert server.requests[0].body == body


@pytest.mark.parametrize(
    "ending",
    [
        answer(headers={"Connection": "close"}, close=True),
        answer(headers={"Connection": "Close"}, close=True),
        answer(version="HTTP/1.0", close=True),
        raw(OK + b"\r\n{}", close=True),
        raw(b"HTTP/1.0 200 OK\r\n\r\n{}", close=True),
    ],
    ids=["close", "Close", "HTTP/1.0", "no length", "HTTP/1.0 without length"],
)
def test_a_connection_that_the_server_ends_is_not_kept(
    server: FaultServer, connections: Connections, ending: Step
) -> None:
    server.script(ending)
    assert _ask(connections).body == b"{}"
    assert connections._pool._idle == []
    assert _ask(connections).body == b"{}"
    assert server.opened == 2


def test_a_body_that_is_longer_than_it_says_ends_with_its_connection(
    server: FaultServer, connections: Connections
) -> None:
    server.script(raw(OK + b"Content-Length: 2\r\n\r\n{}more"))
    assert _ask(connections).body == b"{}"
    assert _ask(connections).headers == {"content-length": "2"}
    assert server.opened == 2


# No response --------------------------------------------------------------------------------------

_BROKEN: Final = {
    "closed before reading": UNREAD,
    "reply lost": LOST,
    "half a status": raw(b"HTTP/1.1 2", close=True),
    "half a head": raw(OK + b"Content-Len", close=True),
    "only an announcement": raw(b"HTTP/1.1 100 Continue\r\n\r\n", close=True),
    "half a body": raw(OK + b"Content-Length: 10\r\n\r\nhalf", close=True),
    "half a chunk": raw(CHUNKED + b"5\r\nab", close=True),
    "no last chunk": raw(CHUNKED + b"2\r\nab\r\n", close=True),
    "half a trailer": raw(CHUNKED + b"0\r\nTrail", close=True),
    "negative length": raw(OK + b"Content-Length: -1\r\n\r\n"),
    "length that is no number": raw(OK + b"Content-Length: many\r\n\r\n{}"),
    "length beyond reason": raw(OK + b"Content-Length: 99999999999\r\n\r\n"),
    "chunk size that is no number": raw(CHUNKED + b"two\r\nab\r\n0\r\n\r\n"),
    "empty chunk size": raw(CHUNKED + b"\r\n\r\n"),
    "negative chunk size": raw(CHUNKED + b"-2\r\nab\r\n0\r\n\r\n"),
    "chunk beyond reason": raw(CHUNKED + b"ffffffffff\r\n"),
    "chunk longer than it says": raw(CHUNKED + b"2\r\nabXX0\r\n\r\n"),
    "endless head": raw(OK + b"X: " + b"a" * 200_000),
    "garbage": raw(b"\x00\xff\x16\x03 no http\r\n\r\n"),
    "status that is no number": raw(b"HTTP/1.1 OK\r\n\r\n"),
    "empty status line": raw(b"\r\n\r\n"),
    "another protocol": raw(b"SSH-2.0-server\r\n\r\n"),
}


@pytest.mark.parametrize("fault", _BROKEN)
def test_a_broken_response_is_none(
    server: FaultServer, connections: Connections, fault: str
) -> None:
    server.script(_BROKEN[fault])
    failure = _failure(connections)
    assert f"127.0.0.1:{server.port}: " in str(failure)
    assert not failure.reused


@pytest.mark.parametrize("fault", _BROKEN)
def test_the_connection_of_a_broken_response_is_not_used_again(
    server: FaultServer, connections: Connections, fault: str
) -> None:
    server.script(answer(), _BROKEN[fault])
    _ask(connections)
    assert _failure(connections).reused
    assert connections._pool._idle == []
    assert _ask(connections).status == 200
    assert server.opened == 2


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 2", OK + b"Conte", OK + b"Content-Length: 9\r\n\r\nhalf", CHUNKED + b"9\r\nh"],
    ids=["nothing", "half a status", "half a head", "half a body", "half a chunk"],
)
def test_a_server_that_falls_silent_is_not_waited_for(
    server: FaultServer, connections: Connections, sent: bytes
) -> None:
    server.script(Step(send=sent, hold=True))
    assert str(_failure(connections, seconds=0.1)).endswith(": timed out")
    assert connections._pool._idle == []


@pytest.mark.parametrize(
    "head",
    [
        OK + b"Content-Length: 5000\r\n\r\n",
        CHUNKED + b"500\r\n" + b"a" * 0x500 + b"\r\n500\r\n",
        OK + b"\r\n",
    ],
    ids=["length", "chunked", "no length"],
)
def test_a_body_is_not_read_beyond_reason(
    server: FaultServer, connections: Connections, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr("lambda_idempotency.clients.net.http1._MAX_BODY", 2000)
    server.script(raw(head + b"a" * 5000, close=True))
    _failure(connections)


def test_a_server_that_drips_past_the_deadline_is_not_waited_for(
    server: FaultServer, connections: Connections
) -> None:
    # Each byte comes well within the time limit; all of them together do not.
    server.script(Step(send=OK + b"X: " + b"a" * 10_000, drip=True))
    assert str(_failure(connections, seconds=0.1)).endswith(": timed out")


def test_nothing_is_sent_after_the_deadline(server: FaultServer, connections: Connections) -> None:
    assert str(_failure(connections, seconds=0)).endswith(": timed out")
    _ask(connections)
    assert str(_failure(connections, seconds=-1)).endswith(": timed out")
    assert len(server.requests) == 1


def test_a_port_where_nobody_listens_refuses_the_connection() -> None:
    port = free_port()
    connections = Connections(Endpoint.parse(f"http://127.0.0.1:{port}"))
    assert str(_failure(connections)) == f"127.0.0.1:{port}: connection refused"


def test_a_name_that_cannot_be_looked_up_is_a_failed_connection() -> None:
    host = "a" * 64 + ".localhost"  # too long for a label
    assert host in str(_failure(Connections(Endpoint(scheme="http", host=host, port=80))))


# Requests -----------------------------------------------------------------------------------------


def test_a_request_is_its_line_its_headers_and_its_body() -> None:
    request = request_bytes("POST", "/a?b", {"host": "here", "x": "y"}, b"body")
    assert request == b"POST /a?b HTTP/1.1\r\nhost: here\r\nx: y\r\ncontent-length: 4\r\n\r\nbody"


@pytest.mark.parametrize(("method", "length"), [("POST", True), ("GET", False)])
def test_an_empty_body_has_a_length_where_one_is_expected(*, method: str, length: bool) -> None:
    request = request_bytes(method, "/", {"host": "here"})
    assert (b"content-length: 0\r\n" in request) == length


@pytest.mark.parametrize("smuggled", ["a\r\nx: y", "a\nx: y", "a\rx: y", "\n", "a\r\n\r\nbody"])
def test_a_header_with_a_line_break_is_refused(smuggled: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        request_bytes("POST", "/", {"host": "here", "token": smuggled}, b"body")
