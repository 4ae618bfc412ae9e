"""Credentials for tests: in an environment, made of plain texts, and taken from a source without an
event loop.
"""

from __future__ import annotations

from typing import Final

from kit.aws.local import REGION
from lambda_idempotency.clients.aws.credentials import Credentials, CredentialSource
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.secret import Secret
from lambda_idempotency.clients.net.waiting import BLOCKING, run

STATIC: Final = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "the-secret-key"}
"""The variables of credentials that do not end."""


def function_environment(endpoint: str, **more: str) -> dict[str, str]:
    """Return the variables that Lambda gives a function, as far as the clients read them, with the
    endpoint of a server on this machine and `more` variables.
    """
    return {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": endpoint, **STATIC, **more}


def credentials(access_key: str, secret_key: str, token: str | None = None) -> Credentials:
    """Return credentials that do not end."""
    return Credentials(access_key, Secret(secret_key), None if token is None else Secret(token))


def current(source: CredentialSource, seconds: float = 30) -> Credentials:
    """Return the source's current credentials."""
    return run(source.current(BLOCKING, Deadline(seconds)))


def shown(secret: Secret[str] | None) -> str | None:
    """Return the text of a secret, if there is one."""
    return None if secret is None else secret.reveal()
