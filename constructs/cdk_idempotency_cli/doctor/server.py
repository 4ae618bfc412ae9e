"""A Redis server: whether it answers and forgets, and the secret of its user."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from lambda_idempotency.contract.redis import SecretsManagerCredentials
from lambda_idempotency.rotation.secret import CURRENT, PENDING

from ..aws import Aws
from ..records.redis import RedisRecords
from .clock import clock
from .finding import Finding, error, ok, warning


def secret_arn(aws: Aws, records: RedisRecords) -> str | None:
    """Return the ARN of the secret of the functions' user; None where there is none."""
    credentials = records.settings().credentials
    if not isinstance(credentials, SecretsManagerCredentials):
        return None
    found: str = aws.client("secretsmanager").describe_secret(SecretId=credentials.id)["ARN"]
    return found


def answers(records: RedisRecords, namespace: str) -> Iterator[Finding]:
    """Ask for a record, as the functions do."""
    records.find(f"{namespace}#doctor")
    yield ok(records.place, "it answers")
    sent = time.time()
    if (served := records.time()) is not None:
        yield clock(sent, served, time.time())


def eviction(records: RedisRecords) -> Iterator[Finding]:
    """Ask what the server does when it is full."""
    about = f"{records.place}, when it is full"
    policy = records.policy()
    if not policy:
        yield warning(about, "not checked: this user lacks +info; give another --redis-secret")
    elif policy != "noeviction":
        yield error(about, f"it forgets records: its maxmemory-policy is {policy}, not noeviction")
    else:
        yield ok(about, "it refuses writes, and forgets nothing")


def secret(aws: Aws, records: RedisRecords) -> Iterator[Finding]:
    """Look at the secret of the functions' user, and at its rotation."""
    credentials = records.settings().credentials
    if not isinstance(credentials, SecretsManagerCredentials):
        return
    about = f"secret {credentials.id}"
    found = aws.client("secretsmanager").describe_secret(SecretId=credentials.id)
    if "DeletedDate" in found:
        yield error(about, "it is marked for deletion")
        return
    stages = found.get("VersionIdsToStages", {}).values()
    if not any(CURRENT in each for each in stages):
        yield error(about, f"no version is {CURRENT}")
    elif any(PENDING in each and CURRENT not in each for each in stages):
        yield error(
            about,
            f"a rotation has not ended: a version is {PENDING}. Read the log of the rotation "
            "function, then run `rotate`",
        )
    elif not found.get("RotationEnabled"):
        yield ok(about, "current; it is not rotated")
    elif (due := found.get("NextRotationDate")) is not None and due < datetime.now(UTC):
        yield warning(about, f"its rotation was due on {due:%Y-%m-%d}")
    else:
        yield ok(about, "current, and rotated")
