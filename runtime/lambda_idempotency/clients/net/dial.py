"""Opening connections: addresses, TCP, a proxy's tunnel, TLS; all of it under one deadline.

Several addresses of a host race as in RFC 8305 (Happy Eyeballs): the next one starts when the last
has failed, or has been silent for a while, and the first that answers wins.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, TypeAlias

from . import elapsed
from .connection import Connection
from .deadline import Deadline
from .waiting import Waits

if TYPE_CHECKING:
    import ssl

    from .elapsed import Moment
    from .proxies import Proxy

HEAD_START_S: Final = 0.25
"""Seconds that an address has before the next one is tried beside it: RFC 8305 section 8."""

ADDRESSES_LAST_S: Final = 60.0
"""Seconds for which a host's addresses are used before they are asked for again."""

LOOK_UP_S: Final = 2.0
"""Seconds for which a look-up is the only one of its host. A slow one must not take a thread from
each call, and one that hangs must not stop the calls that follow."""

MAX_ADDRESSES: Final = 6

Address: TypeAlias = tuple[socket.AddressFamily, tuple[str | int, ...] | tuple[int, bytes]]
_PENDING: Final = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR)


class Dialer:
    """Opens connections to one host and port.

    `context` returns the TLS context, at the first use; without it the connections are plain.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        context: Callable[[], ssl.SSLContext] | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._context = context
        self._proxy = proxy
        self._known: tuple[Sequence[Address], Moment] | None = None
        self._looking: _LookUp | None = None

    async def open(self, waits: Waits, deadline: Deadline) -> Connection:
        """Return a new connection, lent to the caller. Raises `OSError`."""
        proxy = self._proxy
        host, port = (self.host, self.port) if proxy is None else (proxy.host, proxy.port)
        try:
            plain = await _race(await self._addresses(host, port, waits, deadline), waits, deadline)
        except OSError:
            self._known = None  # they may have moved
            raise
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if proxy is not None and self._context is not None:
            from .proxies import tunnel

            host = f"[{self.host}]" if ":" in self.host else self.host
            await tunnel(plain, proxy, f"{host}:{self.port}", waits, deadline)
        if self._context is None:
            return Connection(plain, waits, deadline)
        return await self._secured(plain, waits, deadline)

    async def _secured(self, plain: socket.socket, waits: Waits, deadline: Deadline) -> Connection:
        from .tls import secured

        assert self._context is not None
        try:
            context = self._context()
        except BaseException:
            plain.close()
            raise
        return await secured(plain, encoded(self.host), context, waits, deadline)

    async def _addresses(
        self, host: str, port: int, waits: Waits, deadline: Deadline
    ) -> Sequence[Address]:
        looking = self._looking
        awaited = looking if looking is not None and looking.is_awaited else None
        known = self._known  # after that: a look-up that ends in between has found it
        if known is not None and elapsed.seconds(known[1]) < ADDRESSES_LAST_S:
            return known[0]
        try:
            found = _looked_up(host, port, socket.AI_NUMERICHOST)
        except OSError:  # it is a name
            return await self._named(awaited, host, port, waits, deadline)
        self._known = (found, elapsed.now())
        return found

    async def _named(
        self, looking: _LookUp | None, host: str, port: int, waits: Waits, deadline: Deadline
    ) -> Sequence[Address]:
        """Return the addresses of a name, from the look-up under way if it is awaited. A look-up
        goes on when its call's time is over: the next call finds what it has found."""
        if looking is not None:
            if not await waits.acquire(looking.under_way, deadline):
                raise TimeoutError("timed out")
            looking.under_way.release()
            return await self._addresses(host, port, waits, deadline)
        deadline.require()
        begun = self._looking = _LookUp()

        def look_up() -> Sequence[Address]:
            try:
                found = _looked_up(host, port)
                self._known = (found, elapsed.now())
                return found
            finally:
                begun.end()

        try:
            return await waits.in_thread(look_up, deadline)
        except RuntimeError:  # there can be no more threads
            begun.end()
            raise


class _LookUp:
    """A look-up. Calls that need it too wait for its lock."""

    __slots__ = ("_ended", "_fresh", "_process", "under_way")

    def __init__(self) -> None:
        self.under_way = threading.Lock()
        self.under_way.acquire()
        self._ended = False
        self._fresh = Deadline(LOOK_UP_S)
        self._process = os.getpid()

    @property
    def is_awaited(self) -> bool:
        """True while it is better to wait for this one than to begin another."""
        own = self._process == os.getpid()  # a fork's child has no thread that looks up
        return own and self.under_way.locked() and self._fresh.left() > 0

    def end(self) -> None:
        """Let those that wait go on. Once: later the lock may be another's."""
        if not self._ended:
            self._ended = True
            self.under_way.release()


def encoded(host: str) -> bytes:
    """Return a host's name as bytes: for a text, Python would first load the tables of IDNA."""
    return host.encode("ascii" if host.isascii() else "idna")


def _looked_up(host: str, port: int, flags: int = 0) -> Sequence[Address]:
    """Return the addresses of a host, IPv6 and IPv4 by turns. Raises `OSError`."""
    try:
        name = encoded(host)
    except UnicodeError:
        raise OSError("not a host name") from None
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags)
    families: dict[socket.AddressFamily, list[Address]] = {}
    for family, _, _, _, address in found:
        families.setdefault(family, []).append((family, address))
    turns = zip_longest(*families.values())
    return [address for turn in turns for address in turn if address is not None][:MAX_ADDRESSES]


async def _race(addresses: Sequence[Address], waits: Waits, deadline: Deadline) -> socket.socket:
    """Return a socket that is connected to one of the addresses. Raises `OSError`."""
    head_start = min(HEAD_START_S, deadline.require() / len(addresses))
    failure: OSError = TimeoutError("timed out")
    waiting: dict[int, socket.socket] = {}
    try:
        for number, address in enumerate(addresses, start=1):
            try:
                started = _started(address)
                waiting[started.fileno()] = started
            except OSError as error:
                failure = error
            is_last = number == len(addresses)
            while waiting:
                limit = deadline if is_last else deadline.within(head_start)
                try:
                    files = await waits.first_writable(tuple(waiting), limit)
                except TimeoutError:
                    if is_last:
                        raise
                    break  # the next one starts beside it
                for file in files:
                    ended = waiting.pop(file)
                    code = ended.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        return ended
                    ended.close()
                    failure = _error(code)
    finally:
        for loser in waiting.values():
            loser.close()
    raise failure


def _started(address: Address) -> socket.socket:
    family, place = address
    started = socket.socket(family, socket.SOCK_STREAM)
    try:
        started.setblocking(False)
        code = started.connect_ex(place)
        if code not in (0, *_PENDING):
            raise _error(code)
    except BaseException:
        started.close()
        raise
    return started


def _error(code: int) -> OSError:
    """Return the error of a number, of the class that goes with it (`ConnectionRefusedError`)."""
    return OSError(code, os.strerror(code))
