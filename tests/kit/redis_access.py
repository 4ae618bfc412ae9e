"""The runtime's way to a Redis server: its settings in the local AWS, its password in a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from itertools import count
from typing import Any, Final

from kit.local_aws import LocalAws
from lambda_idempotency.record import Claim, Completion, Reply, Store
from lambda_idempotency.redis_access.client import RedisClient
from lambda_idempotency.redis_document import (
    Credentials,
    RedisSettings,
    SecretsManagerCredentials,
    access_string,
)

NAMESPACE: Final = "shop"
USER: Final = "idempotency"
_NUMBERS = count(1)


class Access:
    """A parameter and a secret of their own for one server."""

    def __init__(self, aws: LocalAws, endpoint: str | None = None) -> None:
        self._aws = aws
        number = next(_NUMBERS)
        self.parameter = f"/redis/{number}"
        self.secret = f"redis-{number}"
        self.environment = {**runtime_environment(endpoint or aws.endpoint)}

    def publish(self, settings: RedisSettings | dict[str, Any] | str) -> None:
        """Writes the parameter."""
        if isinstance(settings, RedisSettings):
            settings = settings.to_document()
        text = settings if isinstance(settings, str) else json.dumps(settings)
        with closing(self._aws.client("ssm")) as ssm:
            ssm.put_parameter(Name=self.parameter, Value=text, Type="String", Overwrite=True)

    def keep(self, secret: dict[str, Any] | str) -> SecretsManagerCredentials:
        """Writes the secret; returns the credentials that lead to it."""
        text = secret if isinstance(secret, str) else json.dumps(secret)
        with closing(self._aws.client("secretsmanager")) as secrets:
            try:
                secrets.create_secret(Name=self.secret, SecretString=text)
            except secrets.exceptions.ResourceExistsException:
                secrets.put_secret_value(SecretId=self.secret, SecretString=text)
        return SecretsManagerCredentials(self.secret)

    def add_user(self, server: Any, password: str, *, cluster: bool = False) -> Credentials:
        """A user with exactly the documented rights, on the server and in the secret."""
        server.add_user(USER, password, access_string([NAMESPACE], cluster=cluster))
        return self.keep({"username": USER, "password": password})

    def client(self, **options: Any) -> RedisClient:
        """The runtime's client."""
        return RedisClient(self.parameter, environment=self.environment, **options)


def runtime_environment(endpoint: str) -> dict[str, str]:
    """What Lambda gives a function, as far as the light clients look."""
    return {
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


# What stores are asked ----------------------------------------------------------------------------

ME: Final = "a" * 32
DAY: Final = 24 * 3600 * 1000
DATA: Final = "card 4111"


def claim(key: str, *, owner: str = ME, attempt: int = 1) -> Claim:
    """A claim of ours, or of another owner."""
    return Claim(
        key=key,
        owner=owner,
        lease=30_000,
        expires_after=DAY,
        attempt=attempt,
        fingerprint="digest",
        scope="alice",
    )


def completion(key: str, *, data: str | bytes = DATA) -> Completion:
    """A completion of ours."""
    return Completion(
        key=key,
        owner=ME,
        attempt=2,
        expires_after=DAY,
        fingerprint="digest",
        data=data,
        encoding="plain",
        scope="alice",
    )


VERBS: Final[dict[str, Callable[[Store, str], Reply]]] = {
    "claim": lambda store, key: store.claim(claim(key)),
    "complete": lambda store, key: store.complete(completion(key)),
    "release": lambda store, key: store.release(key, ME),
    "read": lambda store, key: store.read(key),
}
WRITES: Final = ("claim", "complete")
"""The verbs that need memory, and succeed where there is no record."""
