"""`rotate`: give the functions' Redis user another password, and see it to its end."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import click
from botocore.exceptions import ClientError

from lambda_idempotency.contract.redis import SecretsManagerCredentials
from lambda_idempotency.rotation.secret import CURRENT

from ..errors import FailedError, RefusedError
from ..place import Place, place_options
from ..records.redis import RedisRecords


@click.command()
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=300,
    help="Wait for so many seconds. Default: 300.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@place_options
def rotate(*, place: Place, timeout: float, yes: bool) -> None:
    """Rotate the password of the functions' Redis user, and wait until it is current.

    Calls go on meanwhile: functions read the new password when the server refuses the old one.
    """
    secrets, secret = place.aws.client("secretsmanager"), _secret(place)
    found = secrets.describe_secret(SecretId=secret)
    if not found.get("RotationEnabled"):
        raise RefusedError(
            f"Secret {secret} has no rotation; see RedisCredentials.secret(rotation=...)"
        )
    if not yes and not click.confirm(f"Rotate secret {secret}?", err=True):
        raise RefusedError("Nothing was done")
    token = str(uuid4())
    try:
        secrets.rotate_secret(SecretId=secret, ClientRequestToken=token)
    except ClientError as error:
        said = error.response["Error"]
        if said["Code"] != "InvalidRequestException":
            raise
        raise FailedError(f"Secrets Manager begins no rotation: {said['Message']}") from None
    _await(secrets, secret, token, time.monotonic() + timeout, found.get("RotationLambdaARN"))
    click.echo("The new password is current.")


def _secret(place: Place) -> str:
    """Return the secret of the functions' user."""
    records = place.records()
    if not isinstance(records, RedisRecords):
        raise RefusedError(f"The records are in {records.place}, which has no password")
    credentials = records.settings().credentials
    if not isinstance(credentials, SecretsManagerCredentials):
        raise RefusedError(f"The password of {records.place} is not in Secrets Manager")
    return credentials.id


def _await(secrets: Any, secret: str, token: str, ends: float, function: str | None) -> None:
    while True:
        stages = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
        if CURRENT in stages.get(token, ()):
            return
        if time.monotonic() >= ends:
            name = (function or "").rpartition(":")[2]
            raise FailedError(
                "The new password is not current yet. Secrets Manager goes on trying; read the "
                f"log of the rotation function {name}, then run `doctor`"
            )
        time.sleep(2)
