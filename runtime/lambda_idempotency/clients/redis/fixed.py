"""The client of a server that a URL names, or settings in the code."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from ...contract.redis import NoCredentials, RedisSettings
from ...errors import ConfigurationError
from ..net.deadline import Deadline
from ..net.secret import Environment, Secret
from ..net.waiting import Waits
from .base import Client
from .credentials import LoadedCredentials, Login

EXPECTED: Final = "expected redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS"


class FixedClient(Client):
    """Sends commands to a server whose settings do not change. Thread-safe.

    `login` stands in place of the credentials that the settings name.
    """

    def __init__(
        self,
        settings: RedisSettings,
        *,
        place: str,
        login: Login | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        address = f"{settings.host.lower()}:{settings.port}"
        name = f"redis://{address}/{settings.database}"
        super().__init__(
            name=f"redis-cluster://{address}" if settings.cluster else name,
            label=settings.host,
            place=place,
            sleep=sleep,
        )
        self._settings = settings
        self._login = login

    async def settings(self, _: Waits, __: Deadline) -> RedisSettings:
        return self._settings

    def credentials(self, settings: RedisSettings) -> LoadedCredentials | None:
        if (login := self._login) is not None:

            async def known(_: Waits, __: Deadline) -> Login:
                return login

            return LoadedCredentials(known, place=self.place, refresh_after=math.inf)
        if isinstance(settings.credentials, NoCredentials):
            return None
        from ..aws.services import SSM
        from .stored import credentials_of

        environment = Environment.of(None)
        return credentials_of(
            settings,
            environment=environment,
            ssm=SSM(environment=environment),
            url_suffix="amazonaws.com",
        )


def client_of(server: Secret[str] | tuple[Any, ...]) -> FixedClient:
    """Return a client of the server in a URL or in `RedisSettings`. Raises `ConfigurationError`."""
    if isinstance(server, Secret):
        return client_of_url(server)
    if isinstance(server, RedisSettings):
        return FixedClient(server, place="the settings")
    raise ConfigurationError(f"client is a {type(server).__name__}; expected RedisSettings")


def client_of_url(url: Secret[str], *, sleep: Callable[[float], None] | None = None) -> FixedClient:
    """Return a client of the server in a URL. Raises `ConfigurationError`."""
    found = _read(url)
    if isinstance(found, str):
        raise ConfigurationError(f"the URL of a Redis server {found}; {EXPECTED}")
    settings, login = found
    return FixedClient(settings, place="its URL", login=login, sleep=sleep)


def _read(url: Secret[str]) -> tuple[RedisSettings, Login | None] | str:
    """Return what a URL says, or what is wrong with it. Nothing is raised in this frame: it has the
    bare password."""
    scheme, _, rest = url.reveal().partition("://")
    if scheme not in ("redis", "rediss"):
        return "does not begin with redis:// or rediss://"
    login, _, place = rest.rpartition("@")
    try:
        settings = _settings(place, tls=scheme == "rediss")
    except ValueError:
        return "has a host, port or database that is none"
    if not login:
        return settings, None
    username, has_password, password = login.partition(":")
    if not has_password:
        return "has a user without a password"
    if not password:
        return "has an empty password"
    return settings, Login(_decoded(username) or None, Secret(_decoded(password)))


def _settings(place: str, *, tls: bool) -> RedisSettings:
    """Return the settings in HOST:PORT/DATABASE. Raises ValueError."""
    document: dict[str, Any] = {"tls": tls, "credentials": {"type": "none"}}
    address, _, database = place.partition("/")
    host, has_port, port = address.rpartition(":")
    if not has_port or port.endswith("]"):  # the last part of an IPv6 address
        host = address
    else:
        document["port"] = port
    document["host"] = host.removeprefix("[").removesuffix("]")
    if database:
        document["database"] = int(database)
    return RedisSettings.from_document(document)


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)
