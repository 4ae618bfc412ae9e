"""Credentials that AWS keeps: in Secrets Manager, in an SSM SecureString, or as an IAM user's
tokens.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any, Final, TypeGuard

from ...contract.redis import (
    IamCredentials,
    NoCredentials,
    RedisSettings,
    SecretsManagerCredentials,
)
from ...errors import ConfigurationError, StoreError
from ..aws.client import ServiceError
from ..aws.credentials import CANNOT_BE_SENT, CredentialsError, CredentialSource
from ..aws.services import ELASTICACHE_TOKEN_SECONDS, SSM, SecretsManager, elasticache_token
from ..net.deadline import Deadline
from ..net.secret import Environment, Secret
from ..net.waiting import Waits
from .credentials import LoadedCredentials, Login

TOKEN_SECONDS: Final = ELASTICACHE_TOKEN_SECONDS - 300
"""Seconds for which new connections use an IAM token; it expires five minutes after that."""


def credentials_of(
    settings: RedisSettings, *, environment: Environment, ssm: SSM, url_suffix: str
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

        async def read(waits: Waits, deadline: Deadline) -> Secret[str]:
            wanted = {"SecretId": found.id}
            try:
                request = secrets.request("GetSecretValue", wanted, waits, deadline)
                return await read_text(place, request)
            finally:
                secrets.close()  # by the next read it would be stale
    else:
        place = f"SSM parameter {found.name}"

        async def read(waits: Waits, deadline: Deadline) -> Secret[str]:
            wanted = {"Name": found.name, "WithDecryption": True}
            return await read_text(place, ssm.request("GetParameter", wanted, waits, deadline))

    async def load(waits: Waits, deadline: Deadline) -> Login:
        return _login(place, await read(waits, deadline), settings.username)

    return LoadedCredentials(load, place=place, refresh_after=found.refresh_after)


async def read_text(place: str, request: Awaitable[dict[str, Any]]) -> Secret[str]:
    """Return the text of a parameter or secret. Raises `ConfigurationError` or `StoreError`."""
    try:
        text = _text_of(await request)
    except ServiceError as error:
        code = error.response["Error"]["Code"]
        if hint := _HINTS.get(code):
            raise ConfigurationError(f"{place} {hint} ({code})") from None
        raise StoreError(f"{place} could not be read: {code}{error.about}", code=code) from None
    if text is None:
        raise ConfigurationError(f"{place} holds no text; binary secrets are not supported")
    return text


def _text_of(response: dict[str, Any]) -> Secret[str] | None:
    text = response.get("SecretString") or response.get("Parameter", {}).get("Value")
    return Secret(text) if isinstance(text, str) else None


def _login(place: str, text: Secret[str], username: str | None) -> Login:
    """Return the login that a secret's text holds. Raises `ConfigurationError`."""
    login = _login_or_problem(text, username, must_be_json=place.startswith("secret"))
    if isinstance(login, str):
        raise ConfigurationError(f"{place} {login}")
    return login


def _login_or_problem(
    text: Secret[str], username: str | None, *, must_be_json: bool
) -> Login | str:
    """Return the login, or what is wrong with the text. Nothing is raised in this frame: it has the
    bare password."""
    password: object = text.reveal()
    if must_be_json or text.reveal().lstrip().startswith("{"):
        try:
            found = json.loads(text.reveal())
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            return 'is no JSON object; expected {"username": ..., "password": ...}'
        password, username = found.get("password"), found.get("username", username)
    if not _can_be_sent(password):
        return "lacks the field password; expected a text"
    if username is not None and not _can_be_sent(username):
        return "has a username that is not a text"
    return Login(username, Secret(password))


def _can_be_sent(value: object) -> TypeGuard[str]:
    """Tell whether the value is a text that UTF-8 can encode: JSON can spell half a character."""
    try:
        return isinstance(value, str) and bool(value.encode())
    except UnicodeEncodeError:
        return False


def _tokens(found: IamCredentials, environment: Environment) -> LoadedCredentials:
    place = f"IAM user {found.user} of cache {found.cache}"
    source = CredentialSource(environment)

    async def load(waits: Waits, deadline: Deadline) -> Login:
        try:
            token = elasticache_token(
                cache=found.cache,
                user=found.user,
                serverless=found.serverless,
                environment=environment,
                credentials=await source.current(waits, deadline),
            )
        except CredentialsError as error:
            why = str(error)
        except ValueError:
            why = CANNOT_BE_SENT
        else:
            return Login(found.user, token)
        raise StoreError(f"No token for {place}: {why}")  # here: a ValueError quotes its text

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
