"""HTTP proxies, as boto3 takes them from the environment: HTTP_PROXY, HTTPS_PROXY, NO_PROXY.

The names in lower case come first. Requests over TLS go through a tunnel (CONNECT, RFC 9110 section
9.3.6), others are given to the proxy with their whole URL.
"""

from __future__ import annotations

from base64 import b64encode
from socket import socket
from typing import NamedTuple

from ...errors import ConfigurationError
from .connection import Connection
from .deadline import Deadline
from .http1 import Response, parsing, request_bytes
from .secret import Environment, Secret
from .waiting import Waits


class Proxy(NamedTuple):
    """A proxy. `authorization` is the value of its header."""

    host: str
    port: int
    authorization: Secret[str] | None

    def headers(self) -> dict[str, str]:
        """Return the headers that the proxy wants. They hold a secret."""
        if self.authorization is None:
            return {}
        return {"proxy-authorization": self.authorization.reveal()}


def proxy_for(scheme: str, host: str, port: int, environment: Environment) -> Proxy | None:
    """Return the proxy that requests to a host take, if any. Raises `ConfigurationError`."""
    lower = f"{scheme}_proxy"
    # In CGI, HTTP_PROXY is a header of the request: https://httpoxy.org
    is_header = scheme == "http" and "REQUEST_METHOD" in environment
    name = lower if lower in environment or is_header else lower.upper()
    url = environment.secret(name)
    if url is None or _is_excepted(host, port, environment):
        return None
    if (found := _parsed(url)) is None:
        raise ConfigurationError(
            f"{name} is not a proxy that can be used; expected http://[user:password@]host[:port], "
            "without TLS to the proxy itself"
        )
    return found


def _is_excepted(host: str, port: int, environment: Environment) -> bool:
    """Tell whether NO_PROXY names the host: itself, a domain above it, or `*`."""
    text = environment.get("no_proxy", environment.get("NO_PROXY", ""))
    names = [name.strip().lower().lstrip(".") for name in text.split(",")]
    if names == ["*"]:
        return True
    wanted = (host.lower(), f"{host.lower()}:{port}")
    return any(
        name and (each == name or each.endswith(f".{name}")) for name in names for each in wanted
    )


def _parsed(url: Secret[str]) -> Proxy | None:
    from urllib.parse import unquote, urlsplit

    def parts() -> tuple[str, str | None, int | None, Secret[str] | None]:
        text = url.reveal()
        found = urlsplit(text if "://" in text else f"http://{text.removeprefix('//')}")
        if found.username is None:
            return found.scheme, found.hostname, found.port, None
        user, password = unquote(found.username), unquote(found.password or "")
        token = b64encode(f"{user}:{password}".encode()).decode()
        return found.scheme, found.hostname, found.port, Secret(f"Basic {token}")

    try:
        scheme, host, port, authorization = parts()
    except ValueError:
        return None
    if scheme != "http" or not host or port == 0:
        return None
    return Proxy(host, port or 80, authorization)


async def tunnel(
    plain: socket, proxy: Proxy, authority: str, waits: Waits, deadline: Deadline
) -> None:
    """Ask the proxy to connect the socket to a host and port. Closes the socket where it does not.
    Raises `OSError`."""
    connection = Connection(plain, waits, deadline)
    try:
        await connection.send(
            Secret(request_bytes("CONNECT", authority, {"host": authority, **proxy.headers()}))
        )
        status = (await _answer(connection)).status
        if not 200 <= status < 300:
            raise ConnectionRefusedError(f"the proxy {proxy.host}:{proxy.port} said {status}")
    except ValueError:
        connection.close()
        raise ConnectionResetError(f"{proxy.host}:{proxy.port} is no HTTP proxy") from None
    except BaseException:
        connection.close()
        raise


async def _answer(connection: Connection) -> Response:
    """Return the answer to CONNECT, which has no body."""
    response = parsing(await connection.receive(), has_body=False)
    try:
        next(response)
        while True:
            response.send(await connection.receive())
    except StopIteration as end:
        found: tuple[Response, bool] = end.value
        return found[0]
