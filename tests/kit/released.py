"""What the templates of the last release had that must not change unseen: python -m kit.released

Written at each release, when the changelog says what is replaced and what is forgotten.
"""

from __future__ import annotations

import json
from typing import Any, Final

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials, RedisRotation
from kit.aws.local import ROOT
from kit.redis.apps import acl_rotation, rotated_server
from kit.synth import function, stack, template, vpc

RELEASED: Final = ROOT / "tests" / "construct" / "released.json"

STATEFUL: Final = (
    "AWS::DynamoDB::Table",
    "AWS::ElastiCache::ServerlessCache",
    "AWS::ElastiCache::User",
    "AWS::ElastiCache::UserGroup",
    "AWS::S3::Bucket",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret",
)
"""Resources whose replacement loses something, or breaks what is connected."""


def apps() -> dict[str, dict[str, Any]]:
    """Return what each store's app has now: its stateful resources by logical id, and the variables
    of its function."""
    return {name: _found(make) for name, make in _APPS.items()}


def _found(make: Any) -> dict[str, Any]:
    scope = stack()
    make(scope)
    resources = template(scope).to_json()["Resources"]
    kept = {name: each for name, each in resources.items() if each["Type"] in STATEFUL}
    [payments] = [
        each
        for name, each in resources.items()
        if name.startswith("Payments") and "Code" in each["Properties"]
    ]
    return {"resources": kept, "variables": payments["Properties"]["Environment"]["Variables"]}


def _table(scope: Any) -> None:
    bucket, key = s3.Bucket(scope, "Responses"), kms.Key(scope, "Key")
    store = IdempotencyStore.dynamodb(encryption_key=key)
    idempotency = Idempotency(scope, "Idempotency", store=store, large_responses=bucket)
    idempotency.attach(function(scope))


def _cache(scope: Any) -> None:
    home = vpc(scope)
    credentials = RedisCredentials.secret(rotation=RedisRotation.elasticache())
    store = IdempotencyStore.elasticache_serverless(vpc=home, credentials=credentials)
    Idempotency(scope, "Idempotency", store=store).attach(function(scope, vpc=home))


def _server(scope: Any) -> None:
    rotated_server(scope, acl_rotation(scope)).attach(function(scope))


_APPS: Final = {"table": _table, "cache": _cache, "server": _server}


def main() -> None:
    """Write what the apps have now."""
    RELEASED.write_text(json.dumps(apps(), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
