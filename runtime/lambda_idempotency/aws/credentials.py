"""Where credentials come from on Lambda: the environment, or the container endpoint (SnapStart).

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from .connections import ConnectionFailedError, Connections, Endpoint, request_bytes

REFRESH_BEFORE: Final = 300
"""Seconds before their end at which credentials are fetched anew."""

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
    """There are no credentials, or they cannot be fetched."""


class Credentials:
    """What requests are signed with; `ends` is epoch seconds, None for as long as the process."""

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
    """Gives the current credentials; safe under threads."""

    def __init__(
        self, environment: Mapping[str, str], clock: Callable[[], float] = time.time
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Credentials | None = None

    def current(self) -> Credentials:
        """Raises `CredentialsError`."""
        known = self._known
        if known is None or self._near_end(known):
            with self._lock:
                known = self._known
                if known is None or self._near_end(known):
                    known = self._renewed(known)
                    self._known = known
        return known

    def refused(self, credentials: Credentials) -> bool:
        """Forgets credentials that a service called expired; returns whether others can be had."""
        if credentials.ends is None:
            return False
        with self._lock:
            if self._known is credentials:
                self._known = None
        return True

    def _near_end(self, known: Credentials) -> bool:
        return known.ends is not None and known.ends - self._clock() < REFRESH_BEFORE

    def _renewed(self, known: Credentials | None) -> Credentials:
        try:
            return self._load()
        except CredentialsError:
            # The old ones may serve until their very end.
            if known is not None and known.ends is not None and self._clock() < known.ends:
                return known
            raise

    def _load(self) -> Credentials:
        environment = self._environment
        access_key = environment.get("AWS_ACCESS_KEY_ID")
        secret_key = environment.get("AWS_SECRET_ACCESS_KEY")
        if access_key and secret_key:
            return Credentials(access_key, secret_key, environment.get("AWS_SESSION_TOKEN") or None)
        url = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        if relative := environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
            url = _RELATIVE_HOST + relative
        if not url:
            raise CredentialsError(
                "no credentials: neither AWS_ACCESS_KEY_ID nor AWS_CONTAINER_CREDENTIALS_FULL_URI "
                "is set. Outside Lambda pass a boto3 client to the store."
            )
        return self._fetch(url)

    def _fetch(self, url: str) -> Credentials:
        endpoint = Endpoint.parse(url)
        if endpoint.scheme == "http" and endpoint.host not in _PLAIN_HOSTS:
            raise CredentialsError(
                f"AWS_CONTAINER_CREDENTIALS_FULL_URI names {endpoint.host} without TLS; expected "
                "https, or a host that only this machine reaches"
            )
        headers = {"host": endpoint.authority, "accept": "application/json"}
        if token := self._authorization():
            headers["authorization"] = token
        connections = Connections(endpoint)
        try:
            response = connections.exchange(
                request_bytes("GET", endpoint.path, headers), time.monotonic() + _TIMEOUT
            )
        except ConnectionFailedError as error:
            raise CredentialsError(f"the container credentials endpoint failed: {error}") from None
        finally:
            connections.close()
        if response.status != 200:
            raise CredentialsError(f"the container credentials endpoint said {response.status}")
        return _parsed(response.body)

    def _authorization(self) -> str | None:
        if file := self._environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            from pathlib import Path

            try:
                return Path(file).read_text().strip()
            except OSError as error:
                raise CredentialsError(
                    f"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read: {error.strerror}"
                ) from None
        return self._environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")


def _parsed(body: bytes) -> Credentials:
    from datetime import datetime

    try:
        found = json.loads(body)
        return Credentials(
            found["AccessKeyId"],
            found["SecretAccessKey"],
            found.get("Token"),
            datetime.fromisoformat(found["Expiration"]).timestamp(),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CredentialsError(
            "the container credentials endpoint answered without AccessKeyId, SecretAccessKey "
            "and Expiration"
        ) from None
