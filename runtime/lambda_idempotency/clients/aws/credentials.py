"""Lambda's credentials, from the environment or the container endpoint (SnapStart).

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from ...metrics.reporting import report
from ..net import deadline
from .connections import ConnectionFailedError, Connections, request_bytes
from .endpoints import Endpoint

REFRESH_BEFORE: Final = 300
"""Seconds before their end at which credentials are fetched again."""

RETRY_AFTER: Final = 10
"""Seconds to wait after a failed renewal; until then the old ones are used, while they last."""

_RELATIVE_HOST: Final = "http://169.254.170.2"
_PLAIN_HOSTS: Final = (
    "localhost",
    "127.0.0.1",
    "::1",
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::23",
)
_TIMEOUT: Final = 2.0


class CredentialsError(Exception):
    """There are no credentials, or they could not be fetched."""


class Credentials:
    """Credentials that sign requests. `ends`: epoch seconds, None for the life of the process."""

    __slots__ = ("access_key", "ends", "secret_key", "token")

    def __init__(
        self,
        access_key: str,
        secret_key: str,
        token: str | None = None,
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
        self._environment = environment
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Credentials | None = None
        self._tried = 0.0

    def current(self) -> Credentials:
        """Return the current credentials. Raises `CredentialsError`."""
        known = self._known
        if known is None or self._near_end(known):
            with self._lock:
                known = self._known
                if known is None or self._near_end(known):
                    known = self._renewed(known)
                    self._known = known
        return known

    def refused(self, credentials: Credentials) -> bool:
        """Forget credentials that a service called expired. Tell whether others can be fetched."""
        if credentials.ends is None:
            return False
        with self._lock:
            if self._known is credentials:
                self._known = None
        return True

    def _near_end(self, known: Credentials) -> bool:
        if known.ends is None:
            return False
        now = self._clock()
        left = known.ends - now
        return left <= 0 or (left < REFRESH_BEFORE and now - self._tried >= RETRY_AFTER)

    def _renewed(self, known: Credentials | None) -> Credentials:
        if self._tried:  # a renewal, not the first load
            report("CredentialRefresh", None)
        self._tried = self._clock()
        try:
            return self._load()
        except CredentialsError:
            # The old ones are valid until they end.
            if known is not None and known.ends is not None and self._clock() < known.ends:
                return known
            raise

    def _load(self) -> Credentials:
        environment = self._environment
        access_key = environment.get("AWS_ACCESS_KEY_ID")
        secret_key = environment.get("AWS_SECRET_ACCESS_KEY")
        if access_key and secret_key:
            return Credentials(access_key, secret_key, environment.get("AWS_SESSION_TOKEN") or None)
        if relative := environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
            if not relative.startswith("/"):
                raise CredentialsError(
                    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not start with a slash"
                )
            return self._fetch(_RELATIVE_HOST + relative)
        if url := environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            return self._fetch(url)
        raise CredentialsError(
            "neither AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY nor "
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is set. Outside Lambda pass a boto3 client to the "
            "store"
        )

    def _fetch(self, url: str) -> Credentials:
        try:
            endpoint = Endpoint.parse(url)
        except ValueError as error:
            raise CredentialsError(f"AWS_CONTAINER_CREDENTIALS_FULL_URI: {error}") from None
        if endpoint.scheme == "http" and endpoint.host not in _PLAIN_HOSTS:
            raise CredentialsError(
                f"AWS_CONTAINER_CREDENTIALS_FULL_URI names {endpoint.host} without TLS; expected "
                "https, or a host that only this machine reaches"
            )
        headers = {"host": endpoint.authority, "accept": "application/json"}
        variable, token = self._authorization()
        if token is not None:
            headers["authorization"] = token
        try:
            request = request_bytes("GET", endpoint.path, headers)
        except ValueError:
            raise CredentialsError(f"{variable} has a character that cannot be sent") from None
        connections = Connections(endpoint)
        try:
            response = connections.exchange(request, deadline.monotonic(_TIMEOUT))
        except ConnectionFailedError as error:
            raise CredentialsError(f"the container credentials endpoint failed: {error}") from None
        finally:
            connections.close()
        if response.status != 200:
            raise CredentialsError(f"the container credentials endpoint said {response.status}")
        return _parsed(response.body)

    def _authorization(self) -> tuple[str, str | None]:
        """Return the authorization token, after the name of the variable that it comes from."""
        variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
        if not (file := self._environment.get(f"{variable}_FILE")):
            return variable, self._environment.get(variable)
        from pathlib import Path

        try:
            return f"{variable}_FILE", Path(file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CredentialsError(
                f"{variable}_FILE cannot be read: {type(error).__name__}"
            ) from None


def _parsed(body: bytes) -> Credentials:
    from datetime import datetime

    try:
        found = json.loads(body)
        access_key, secret_key = found["AccessKeyId"], found["SecretAccessKey"]
        token = found.get("Token")
        ends = datetime.fromisoformat(found["Expiration"]).timestamp()
        whole = all(isinstance(part, str) and part for part in (access_key, secret_key))
        if not whole or not isinstance(token, str | None):
            raise TypeError
        return Credentials(access_key, secret_key, token, ends)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CredentialsError(
            "the container credentials endpoint answered without AccessKeyId, SecretAccessKey "
            "and Expiration"
        ) from None
