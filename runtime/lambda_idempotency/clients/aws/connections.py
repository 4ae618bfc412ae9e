"""Exchanges with one endpoint: HTTP/1.1 on kept-alive connections, through a proxy if need be."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..net.connection import Connection
from ..net.deadline import Deadline
from ..net.dial import Dialer
from ..net.http1 import Response, head_of, parsing, request_bytes
from ..net.pool import Pool
from ..net.secret import Environment, Secret
from ..net.waiting import Waits
from .endpoints import Endpoint

if TYPE_CHECKING:
    from ..net.proxies import Proxy
    from .trust import Trust


class ConnectionFailedError(Exception):
    """No response came; the request may have arrived. `reused`: over an old connection."""

    def __init__(self, message: str, *, reused: bool = False) -> None:
        super().__init__(message)
        self.reused = reused


class Connections:
    """Opens connections as needed, keeps them, and replaces dead ones without an error.

    Thread-safe. `environment` names the CAs to trust and the proxy to take, unless the endpoint is
    `direct`. Raises `ConfigurationError` for a proxy that cannot be used.
    """

    def __init__(
        self, endpoint: Endpoint, environment: Environment | None = None, *, direct: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._environment = Environment.of(environment)
        over_tls = endpoint.scheme == "https"
        proxy = None if direct else _proxy_for(endpoint, self._environment)
        self._trust: Trust | None = None
        if over_tls:
            from .trust import Trust

            self._trust = Trust(self._environment, amazon=endpoint.own and proxy is None)
        context = None if self._trust is None else self._trust.context
        self._relay = None if over_tls else proxy
        self._dialer = Dialer(endpoint.host, endpoint.port, context=context, proxy=proxy)
        self._pool = Pool(self._open)
        self._unread: Connection | None = None

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Secret[bytes]:
        """Return a request as it is sent. Raises ValueError for a header with a line break."""
        return Secret(request_bytes(method, *self._relayed(path, headers), body))

    def head(self, method: str, path: str, headers: Mapping[str, str]) -> Secret[str]:
        """Return the lines with which a request begins, as `head_of` does."""
        return Secret(head_of(method, *self._relayed(path, headers)))

    def _relayed(self, path: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        """Return the path and the headers that a proxy wants, if requests are given to one."""
        if self._relay is None:
            return path, headers
        endpoint = self._endpoint
        place = f"{endpoint.scheme}://{endpoint.authority}{path}"
        return place, {**self._relay.headers(), **headers}

    async def exchange(self, request: Secret[bytes], waits: Waits, deadline: Deadline) -> Response:
        """Send a request and return its response in time. Raises `ConnectionFailedError`."""
        connection: Connection | None = None
        failure = None
        try:
            connection = await self._pool.take(waits, deadline)
            await connection.send(request)
            arriving = parsing(await connection.receive())
            next(arriving)
            while True:
                arriving.send(await connection.receive())
        except StopIteration as end:
            answered: tuple[Response, bool] = end.value
        except (OSError, ValueError) as error:
            failure = ConnectionFailedError(
                f"{self._endpoint.authority}: {_reason(error)}",
                reused=connection is not None and connection.reused,
            )
        except BaseException:
            if connection is not None:
                connection.close()  # interrupted: the response would go to the next caller
            raise
        if failure is not None:
            if connection is not None:
                self._drop(connection)
            raise failure  # here, it has no context with the frames of what failed
        assert connection is not None
        response, keep = answered
        if keep:
            self._pool.give(connection)
        else:
            connection.close()
        return response

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()
        if self._unread is not None:
            self._unread.close()

    def _drop(self, connection: Connection) -> None:
        """Close a connection; but one on which a completion was sent too late for an answer stays
        open until the next such one: its server must not see its client go."""
        if not connection.is_late:
            connection.close()
            return
        before, self._unread = self._unread, connection
        if before is not None:
            before.close()

    async def _open(self, waits: Waits, deadline: Deadline) -> Connection:
        try:
            return await self._dialer.open(waits, deadline)
        except OSError as error:
            if self._trust is None or not self._trust.widens(error):
                raise
        return await self._dialer.open(waits, deadline)


def _proxy_for(endpoint: Endpoint, environment: Environment) -> Proxy | None:
    name = f"{endpoint.scheme}_proxy"
    if not (environment.get(name) or environment.get(name.upper())):
        return None
    from ..net.proxies import proxy_for  # few functions have one

    return proxy_for(endpoint.scheme, endpoint.host, endpoint.port, environment)


def _reason(error: Exception) -> str:
    if "ssl" in sys.modules:
        import ssl

        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ConnectionRefusedError) and error.errno is not None:
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "timed out"
    return f"{type(error).__name__}: {error}"
