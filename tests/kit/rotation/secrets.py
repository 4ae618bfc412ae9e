"""The behavior that the emulator's Secrets Manager lacks, around its client.

RotateSecret announces a version without a value; reading such a version is an error; a token's
value cannot be replaced; and AWSPENDING goes away in the request that moves AWSCURRENT
(https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html).
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from lambda_idempotency.rotation.secret import CURRENT, PENDING


class FaithfulSecrets:
    """A client in boto3's shape, as far as the rotation uses it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.stale_reads = 0
        """The number of reads of AWSCURRENT that are stale, from the next move on."""
        self._stale: list[Any] = []

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def get_secret_value(self, **request: Any) -> Any:
        if request.get("VersionStage") == CURRENT and self._stale:
            return self._stale.pop()
        found = self._client.get_secret_value(**request)
        if "SecretString" not in found:
            raise _error("ResourceNotFoundException", "GetSecretValue")
        return found

    def put_secret_value(self, **request: Any) -> Any:
        known = self._client.describe_secret(SecretId=request["SecretId"])["VersionIdsToStages"]
        if request["ClientRequestToken"] in known:
            version = {"VersionId": request["ClientRequestToken"]}
            found = self._client.get_secret_value(SecretId=request["SecretId"], **version)
            if "SecretString" in found and found["SecretString"] != request["SecretString"]:
                raise _error("ResourceExistsException", "PutSecretValue")
        return self._client.put_secret_value(**request)

    def update_secret_version_stage(self, **request: Any) -> Any:
        before = self._client.get_secret_value(SecretId=request["SecretId"])
        answer = self._client.update_secret_version_stage(**request)
        if request["VersionStage"] == CURRENT:
            self._stale = [before] * self.stale_reads
            remove_pending(self._client, request["SecretId"])
        return answer


def announce(client: Any, secret: str) -> str:
    """Do what RotateSecret does first, and return the token, the new version's id."""
    remove_pending(client, secret)
    token = str(uuid4())
    client.put_secret_value(SecretId=secret, ClientRequestToken=token, VersionStages=[PENDING])
    return token


def enable_rotation(client: Any, secret: str) -> None:
    """Do the rest of RotateSecret in the emulator; the value stays."""
    function = "arn:aws:lambda:us-east-1:000000000000:function:rotation"
    client.rotate_secret(SecretId=secret, RotationLambdaARN=function)


def remove_pending(client: Any, secret: str) -> None:
    """Remove AWSPENDING from its version."""
    stages = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
    for version, labels in stages.items():
        if PENDING in labels:
            client.update_secret_version_stage(
                SecretId=secret, VersionStage=PENDING, RemoveFromVersionId=version
            )


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "in words"}}, operation)
