"""Opening connections: several addresses, addresses that say nothing, names that are slow."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any, Final

import pytest

from kit.network.loopback import LoopbackServer
from kit.network.processes import free_port
from lambda_idempotency.clients.net import aio, dial
from lambda_idempotency.clients.net.aio import AIO
from lambda_idempotency.clients.net.connection import Connection
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.dial import Dialer
from lambda_idempotency.clients.net.waiting import BLOCKING, run


class Echo(LoopbackServer):
    """A server that sends back what it is sent."""

    def serve(self, connection: socket.socket) -> None:
        while received := connection.recv(1024):
            connection.sendall(received)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as server:
        yield server


@pytest.fixture
def full() -> Iterator[int]:
    """Yield a port whose listener takes no more connections: a SYN to it gets no answer."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port: int = listener.getsockname()[1]
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield port


def _open(dialer: Dialer, seconds: float = 30) -> Connection:
    return run(dialer.open(BLOCKING, Deadline(seconds)))


def _echoed(connection: Connection) -> bytes:
    async def exchange() -> bytes:
        await connection.send(b"hello")
        return await connection.receive()

    try:
        return run(exchange())
    finally:
        connection.close()


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that sets the ports of a host's addresses, and returns each look-up."""

    def set_ports(*ports: int) -> list[str]:
        asked: list[str] = []

        def looked_up(host: str, *_: Any) -> Any:
            asked.append(host)
            return [(socket.AF_INET, ("127.0.0.1", port)) for port in ports]

        monkeypatch.setattr(dial, "_looked_up", looked_up)
        return asked

    return set_ports


def test_an_address_that_refuses_is_followed_by_the_next(
    echo: Echo, addresses: Callable[..., list[str]]
) -> None:
    addresses(free_port(), echo.port)
    assert _echoed(_open(Dialer("host", 1))) == b"hello"


def test_an_address_that_is_silent_is_overtaken_by_the_next(
    echo: Echo, full: int, addresses: Callable[..., list[str]]
) -> None:
    addresses(full, full, echo.port)
    assert _echoed(_open(Dialer("host", 1))) == b"hello"


def test_where_all_refuse_the_last_refusal_is_raised(addresses: Callable[..., list[str]]) -> None:
    addresses(free_port(), free_port())
    with pytest.raises(ConnectionRefusedError):
        _open(Dialer("host", 1))


def test_addresses_that_drop_packets_end_with_the_deadline(
    full: int, addresses: Callable[..., list[str]]
) -> None:
    addresses(full, full, full)
    with pytest.raises(TimeoutError):
        _open(Dialer("host", 1), seconds=0.1)


def test_addresses_are_asked_for_once_and_again_where_none_of_them_answers(
    echo: Echo, addresses: Callable[..., list[str]]
) -> None:
    asked, dialer = addresses(echo.port), Dialer("host", 1)
    for _ in range(3):
        _open(dialer).close()
    assert asked == ["host"]
    dialer._known = ([(socket.AF_INET, ("127.0.0.1", free_port()))], dialer._known[1])  # type: ignore[index]
    with pytest.raises(ConnectionRefusedError):
        _open(dialer)
    _open(dialer).close()
    assert asked == ["host", "host"]


# Names --------------------------------------------------------------------------------------------

_LOOKUP: Final = socket.getaddrinfo


def _by_number_alone(host: str, port: int, flags: int, otherwise: Callable[[], Any]) -> Any:
    if flags & socket.AI_NUMERICHOST:
        return _LOOKUP(host, port, type=socket.SOCK_STREAM, flags=flags)
    return otherwise()


class SlowResolver:
    """A resolver that takes until it is let go, and then finds the port of a server."""

    def __init__(self, port: int) -> None:
        self.asked: list[Any] = []
        self.done = threading.Event()
        self._port = port

    def __call__(self, host: str, port: int, flags: int = 0, **_: Any) -> Any:
        return _by_number_alone(host, port, flags, lambda: self._find(host))

    def _find(self, host: Any) -> Any:
        self.asked.append(host)
        assert self.done.wait(30), "it was waited for"
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", self._port))]


@pytest.fixture
def slow(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowResolver]:
    resolver = SlowResolver(echo.port)
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.done.set()


def _on_loop(dialer: Dialer) -> None:
    asyncio.run(dialer.open(AIO, Deadline(0.05)))


def _blocking(dialer: Dialer) -> None:
    _open(dialer, seconds=0.05)


@pytest.mark.parametrize("dial_out", [_blocking, _on_loop])
def test_a_slow_resolver_is_not_waited_for(
    slow: SlowResolver, dial_out: Callable[[Dialer], None]
) -> None:
    with pytest.raises(TimeoutError):
        dial_out(Dialer("slow.example", 80))


def test_calls_share_a_slow_look_up_and_get_what_it_finds(
    slow: SlowResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "LOOK_UP_S", 3600)
    dialer = Dialer("slow.example", 80)
    for dial_out in (_blocking, _on_loop, _blocking):
        with pytest.raises(TimeoutError):
            dial_out(dialer)
    slow.done.set()
    assert _echoed(_open(dialer)) == b"hello"
    assert len(slow.asked) == 1


def test_a_look_up_that_hangs_does_not_stop_the_next_one(
    slow: SlowResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "LOOK_UP_S", 0)
    dialer = Dialer("slow.example", 80)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            _blocking(dialer)
    assert len(slow.asked) == 2


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from 3.12 on
def test_a_forks_child_looks_up_by_itself(slow: SlowResolver) -> None:
    dialer = Dialer("slow.example", 80)
    with pytest.raises(TimeoutError):
        _blocking(dialer)
    if (child := os.fork()) == 0:
        with suppress(TimeoutError):
            _blocking(dialer)
        os._exit(len(slow.asked))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


def test_a_look_up_for_which_there_is_no_thread_is_under_way_no_more(
    slow: SlowResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    dialer = Dialer("slow.example", 80)
    with monkeypatch.context() as patch:
        patch.setattr(aio, "start", no_more)
        with pytest.raises(RuntimeError):
            _on_loop(dialer)
    slow.done.set()
    assert _echoed(_open(dialer, seconds=1)) == b"hello"


def test_an_error_within_a_look_up_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_: object, flags: int, **__: object) -> None:
        raise OSError if flags & socket.AI_NUMERICHOST else RuntimeError("odd")

    monkeypatch.setattr(socket, "getaddrinfo", odd)
    with pytest.raises(RuntimeError, match="odd"):
        _blocking(Dialer("odd.example", 80))


def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        *[(socket.AF_INET6, 0, 0, "", (f"::{n}", 80, 0, 0)) for n in range(3)],
        *[(socket.AF_INET, 0, 0, "", (f"10.0.0.{n}", 80)) for n in range(2)],
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    hosts = [address[1][0] for address in dial._looked_up("host", 80)]
    assert hosts == ["::0", "10.0.0.0", "::1", "10.0.0.1", "::2"]


@pytest.mark.parametrize("host", ["a" * 70, "no\udce9", ""])
def test_what_is_no_name_is_an_error(host: str) -> None:
    with pytest.raises(OSError, match=r"name|service|refused|Connect"):
        _open(Dialer(host, free_port()))
