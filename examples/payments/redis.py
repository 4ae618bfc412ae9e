"""The example on an existing Redis server: `cdk deploy -c store=redis ...`."""

from pathlib import Path
from typing import Any

from aws_cdk import aws_secretsmanager as secretsmanager

from cdk_idempotency import IdempotencyStore, RedisCredentials, RedisRotation
from constructs import Construct


def redis_store(scope: Construct) -> IdempotencyStore:
    """Return the store of the context's settings; passwords stay in the secrets that it names."""

    def context(name: str) -> Any:
        return scope.node.get_context(f"redis_{name}")

    def secret(name: str) -> secretsmanager.ISecret:
        return secretsmanager.Secret.from_secret_complete_arn(scope, name, context(name))

    return IdempotencyStore.redis(
        host=context("host"),
        port=int(context("port")),
        ca=Path(context("ca")).read_text(),
        credentials=RedisCredentials.secret(
            secret("secret"),
            username=context("user"),
            rotation=RedisRotation.acl(admin=secret("admin_secret")),
        ),
    )
