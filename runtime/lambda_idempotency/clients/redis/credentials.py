"""A Redis user's name and password: where they come from, and when they are read again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, TypeGuard

from redis.credentials import CredentialProvider

from ...contract.redis import (
    IamCredentials,
    NoCredentials,
    RedisSettings,
    SecretsManagerCredentials,
)
from ...errors import ConfigurationError, IdempotencyError, StoreError
from ...metrics.reporting import report
from ..aws.client import ServiceError
from ..aws.credentials import CredentialsError, CredentialSource
from ..aws.services import ELASTICACHE_TOKEN_SECONDS, SSM, SecretsManager, elasticache_token
from ..net.deadline import current
from ..net.waiting import BLOCKING, run

Login: TypeAlias = tuple[str] | tuple[str, str]
"""The arguments of AUTH: a password, or a user's name and password."""

TOKEN_SECONDS: Final = ELASTICACHE_TOKEN_SECONDS - 300
"""Seconds for which new connections use an IAM token; it expires five minutes after that."""

LOAD_S: Final = 5.0
"""Seconds to wait for the AWS credentials that make a token."""

RETRY_AFTER: Final = 10
"""Seconds for which the old password stays in use after a failed attempt to read it again."""


class LoadedCredentials(CredentialProvider):
    """Credentials that are loaded when needed, kept for a while, and forgotten when refused.

    Thread-safe. `place` says where they are stored, for errors.
    """

    def __init__(
        self,
        load: Callable[[], Login],
        *,
        place: str,
        refresh_after: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place = place
        self._load = load
        self._refresh_after = refresh_after
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Login | None = None
        self._until = 0.0

    def current(self) -> Login:
        """Return the credentials that were loaded last, however long ago: existing connections need
        no newer ones. Raises what `get_credentials` raises."""
        known = self._known
        return self.get_credentials() if known is None else known

    def get_credentials(self) -> Login:
        """Return credentials for a new connection; redis-py calls this.

        Raises `ConfigurationError` or `StoreError`, naming the place.
        """
        known = self._known
        if known is not None and self._clock() < self._until:
            return known
        with self._lock:
            if self._known is None or self._clock() >= self._until:
                self._known = self._renewed(self._known)
            return self._known

    def refused(self, login: Login) -> None:
        """Forget credentials that a server has refused, if they are still the current ones."""
        with self._lock:
            if self._known is login:
                self._known = None

    def _renewed(self, known: Login | None) -> Login:
        if known is not None:
            report("CredentialRefresh", None)
        try:
            login = self._load()
        except IdempotencyError:
            if known is None:
                raise
            self._until = self._clock() + RETRY_AFTER  # they may still be valid
            return known
        self._until = self._clock() + self._refresh_after
        # An unchanged password stays the same object: `refused` recognizes it by identity.
        return known if login == known and known is not None else login


def credentials_of(
    settings: RedisSettings, *, environment: Mapping[str, str], ssm: SSM, url_suffix: str
) -> LoadedCredentials | None:
    """Return the credentials that the settings name, or None if they name none."""
    found = settings.credentials
    if isinstance(found, NoCredentials):
        return None
    if isinstance(found, IamCredentials):
        return _tokens(found, environment)
    if isinstance(found, SecretsManagerCredentials):
        place = f"secret {found.id}"
        secrets = SecretsManager(url_suffix=url_suffix, environment=environment)

        def read() -> str:
            try:
                return read_text(place, lambda: secrets.get_secret_value(SecretId=found.id))
            finally:
                secrets.close()  # by the next read it would be stale
    else:
        place = f"SSM parameter {found.name}"

        def read() -> str:
            return read_text(place, lambda: ssm.get_parameter(Name=found.name, WithDecryption=True))

    return LoadedCredentials(
        lambda: _login(place, read(), settings.username),
        place=place,
        refresh_after=found.refresh_after,
    )


def read_text(place: str, request: Callable[[], dict[str, Any]]) -> str:
    """Return the text of a parameter or secret. Raises `ConfigurationError` or `StoreError`."""
    try:
        response = request()
    except ServiceError as error:
        code = error.response["Error"]["Code"]
        if hint := _HINTS.get(code):
            raise ConfigurationError(f"{place} {hint} ({code})") from None
        raise StoreError(f"{place} could not be read: {code}{error.about}") from None
    text = response.get("SecretString") or response.get("Parameter", {}).get("Value")
    if not isinstance(text, str):
        raise ConfigurationError(f"{place} holds no text; binary secrets are not supported")
    return text


def _login(place: str, text: str, username: str | None) -> Login:
    """Return the login that a secret's text holds."""
    password: object = text
    if text.lstrip().startswith("{") or place.startswith("secret"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ConfigurationError(
                f'{place} is no JSON object; expected {{"username": ..., "password": ...}}'
            )
        password, username = found.get("password"), found.get("username", username)
    if not _can_be_sent(password):
        raise ConfigurationError(f"{place} lacks the field password; expected a text")
    if username is None:
        return (password,)  # the user `default`
    if not _can_be_sent(username):
        raise ConfigurationError(f"{place} has a username that is not a text")
    return username, password


def _can_be_sent(value: object) -> TypeGuard[str]:
    """Tell whether the value is a text that UTF-8 can encode: JSON can spell half a character."""
    try:
        return isinstance(value, str) and bool(value.encode())
    except UnicodeEncodeError:
        return False


def _tokens(found: IamCredentials, environment: Mapping[str, str]) -> LoadedCredentials:
    place = f"IAM user {found.user} of cache {found.cache}"
    source = CredentialSource(environment)

    def load() -> Login:
        try:
            credentials = run(source.current(BLOCKING, current(LOAD_S)))
        except CredentialsError as error:
            raise StoreError(f"No token for {place}: {error}") from None
        token = elasticache_token(
            cache=found.cache,
            user=found.user,
            serverless=found.serverless,
            environment=environment,
            credentials=credentials,
        )
        return found.user, token.reveal()

    return LoadedCredentials(load, place=place, refresh_after=TOKEN_SECONDS)


_MISSING: Final = "does not exist in this account and region"
_DENIED: Final = (
    "may not be read by this function: attach it with Idempotency.attach(), or see grant_use()"
)
_KEY: Final = "cannot be decrypted: its KMS key is disabled, or this function may not use it"
_HINTS: Final = {
    "AccessDeniedException": _DENIED,
    "AccessDenied": _DENIED,
    "DecryptionFailure": _KEY,
    "InvalidKeyId": _KEY,
    "InvalidRequestException": "is marked for deletion, or has no current version",
    "ParameterNotFound": _MISSING,
    "ResourceNotFoundException": _MISSING,
}
