"""Lambda's credentials, from the environment or the container endpoint (SnapStart).

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final

from ..net.deadline import Deadline
from ..net.renewing import Loaded, Renewing
from ..net.retry import Backoff
from ..net.secret import Environment, Secret
from ..net.waiting import Waits
from .connections import ConnectionFailedError, Connections
from .endpoints import Endpoint

REFRESH_BEFORE: Final = 300
"""Seconds before their end at which credentials are fetched again."""

TRIES: Final = 3
"""Tries to fetch credentials, as many as botocore's."""

TRY_S: Final = 2.0
"""Seconds for one try."""

CANNOT_BE_SENT: Final = "the credentials have a character that cannot be sent"

_RELATIVE_HOST: Final = "http://169.254.170.2"
_PLAIN_HOSTS: Final = (
    "localhost",
    "127.0.0.1",
    "::1",
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::23",
)


class CredentialsError(Exception):
    """There are no credentials, or they could not be fetched."""


class Credentials:
    """Credentials that sign requests. `ends`: epoch seconds, None for the life of the process."""

    __slots__ = ("access_key", "ends", "secret_key", "token")

    def __init__(
        self,
        access_key: str,
        secret_key: Secret[str],
        token: Secret[str] | None = None,
        ends: float | None = None,
    ) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token
        self.ends = ends

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r}, ends={self.ends!r})"


class CredentialSource:
    """A source of the current credentials. Thread-safe."""

    def __init__(
        self, environment: Mapping[str, str], clock: Callable[[], float] = time.time
    ) -> None:
        self._environment = Environment.of(environment)
        self._renewing = Renewing(
            self._load, failures=CredentialsError, clock=clock, credentials="the environment"
        )

    def current(self, waits: Waits, deadline: Deadline) -> Coroutine[Any, Any, Credentials]:
        """Return the current credentials, when awaited. Raises `CredentialsError`."""
        return self._renewing.current(waits, deadline)

    def refused(self, credentials: Credentials) -> bool:
        """Forget credentials that a service called expired. Tell whether others can be fetched."""
        if credentials.ends is None:
            return False
        self._renewing.refused(credentials)
        return True

    async def _load(self, waits: Waits, deadline: Deadline) -> Loaded[Credentials]:
        environment = self._environment
        access_key = environment.get("AWS_ACCESS_KEY_ID")
        secret_key = environment.secret("AWS_SECRET_ACCESS_KEY")
        if access_key and secret_key is not None:
            token = environment.secret("AWS_SESSION_TOKEN")
            return Loaded(Credentials(access_key, secret_key, token))
        if environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
            if not environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"].startswith("/"):
                raise CredentialsError(
                    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not start with a slash"
                )
            url = Secret(_RELATIVE_HOST + environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])
            return await self._fetch(url, waits, deadline)
        if (full := environment.secret("AWS_CONTAINER_CREDENTIALS_FULL_URI")) is not None:
            return await self._fetch(full, waits, deadline)
        raise CredentialsError(
            "neither AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY nor "
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is set. Outside Lambda pass a boto3 client to the "
            "store"
        )

    async def _fetch(
        self, url: Secret[str], waits: Waits, deadline: Deadline
    ) -> Loaded[Credentials]:
        try:
            endpoint = Endpoint.parse(url)
        except ValueError as error:
            raise CredentialsError(f"AWS_CONTAINER_CREDENTIALS_FULL_URI: {error}") from None
        if endpoint.scheme == "http" and endpoint.host not in _PLAIN_HOSTS:
            raise CredentialsError(
                f"AWS_CONTAINER_CREDENTIALS_FULL_URI names {endpoint.host} without TLS; expected "
                "https, or a host that only this machine reaches"
            )
        connections = Connections(endpoint, self._environment, direct=True)
        request = self._request(connections, endpoint)
        backoff = Backoff()
        try:
            for tries_left in reversed(range(TRIES)):
                found = await _asked(connections, request, waits, deadline.within(TRY_S))
                if isinstance(found, Credentials):
                    assert found.ends is not None
                    return Loaded(found, found.ends - REFRESH_BEFORE, found.ends)
                passing, about = found
                if not (passing and tries_left and await backoff.pause(waits, deadline)):
                    break
        finally:
            connections.close()
        raise CredentialsError(f"the container credentials endpoint {about}")

    def _request(self, connections: Connections, endpoint: Endpoint) -> Secret[bytes]:
        variable, token = self._authorization()
        with suppress(ValueError):
            return connections.request(
                "GET",
                endpoint.path,
                {
                    "host": endpoint.authority,
                    "accept": "application/json",
                    **({} if token is None else {"authorization": token.reveal()}),
                },
            )
        # Raised here, it has no context with the token in its frames.
        raise CredentialsError(f"{variable} has a character that cannot be sent")

    def _authorization(self) -> tuple[str, Secret[str] | None]:
        """Return the authorization token, after the name of the variable that it comes from."""
        variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
        if not (file := self._environment.get(f"{variable}_FILE")):
            return variable, self._environment.secret(variable)
        from pathlib import Path

        try:
            return f"{variable}_FILE", Secret(Path(file).read_text().strip())
        except OSError as error:
            kind = type(error).__name__
        except UnicodeDecodeError as error:  # it holds what was read
            kind = type(error).__name__
        raise CredentialsError(f"{variable}_FILE cannot be read: {kind}")


async def _asked(
    connections: Connections, request: Secret[bytes], waits: Waits, deadline: Deadline
) -> Credentials | tuple[bool, str]:
    """Return the credentials; or whether another try may find them, and what failed."""
    try:
        response = await connections.exchange(request, waits, deadline)
    except ConnectionFailedError as error:
        return True, f"failed: {error}"
    if response.status != 200:
        return response.status == 429 or response.status >= 500, f"said {response.status}"
    found = _parsed(response.body)
    if found is None:
        return True, "answered without AccessKeyId, SecretAccessKey and Expiration"
    return found


def _parsed(body: bytes) -> Credentials | None:
    from datetime import datetime

    try:
        found = json.loads(body)
        access_key, secret_key = found["AccessKeyId"], found["SecretAccessKey"]
        token = found.get("Token")
        ends = datetime.fromisoformat(found["Expiration"]).timestamp()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    whole = all(isinstance(part, str) and part for part in (access_key, secret_key))
    if not whole or not isinstance(token, str | None):
        return None
    return Credentials(access_key, Secret(secret_key), Secret(token) if token else None, ends)
