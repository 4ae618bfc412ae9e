"""Small CDK apps with records in Redis, for construct tests."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials, RedisRotation
from kit.checks import attached
from kit.synth import function, only, stack, template, vpc
from lambda_idempotency.contract.redis import RedisSettings

COMPLETE = "arn:aws:secretsmanager:us-east-1:111111111111:secret:redis-AbCdEf"
ADMIN = "arn:aws:secretsmanager:us-east-1:111111111111:secret:admin-GhIjKl"


def imported_secret(scope: Stack, arn: str = COMPLETE) -> secretsmanager.ISecret:
    """A secret of another app."""
    return secretsmanager.Secret.from_secret_complete_arn(scope, arn[-6:], arn)


def server(scope: Stack, **settings: Any) -> Idempotency:
    """Return an `Idempotency` with a server of one's own, and a function attached to it."""
    defaults = {"credentials": RedisCredentials.secret(imported_secret(scope))}
    return attached(function(scope), store=IdempotencyStore.redis(**{**defaults, **settings}))


def acl_rotation(scope: Stack, **props: Any) -> RedisRotation:
    """A rotation by an administrator."""
    return RedisRotation.acl(**{"admin": imported_secret(scope, ADMIN), **props})


def rotated_server(
    scope: Stack,
    rotation: RedisRotation,
    secret: secretsmanager.ISecret | None = None,
    **props: Any,
) -> Idempotency:
    """A server of one's own, whose user's password is rotated."""
    secret = imported_secret(scope) if secret is None else secret
    credentials = RedisCredentials.secret(
        secret, **{"username": "app", "rotation": rotation, **props}
    )
    store = IdempotencyStore.redis(host="redis.example.com", credentials=credentials)
    return Idempotency(scope, "Idempotency", store=store)


def rotated_cache(
    scope: Stack, home: ec2.Vpc, *, vpc_endpoints: bool = False, **props: Any
) -> Idempotency:
    """A new cache, whose user's password is rotated."""
    credentials = RedisCredentials.secret(rotation=RedisRotation.elasticache(**props))
    store = IdempotencyStore.elasticache_serverless(
        vpc=home, credentials=credentials, vpc_endpoints=vpc_endpoints
    )
    return Idempotency(scope, "Idempotency", store=store)


def cache_in_vpc(scope: Stack, **props: Any) -> Idempotency:
    """A new cache in a VPC, and a function attached to it."""
    home = vpc(scope)
    store = IdempotencyStore.elasticache_serverless(vpc=home, **props)
    idempotency = Idempotency(scope, "Idempotency", store=store)
    idempotency.attach(function(scope, vpc=home))
    return idempotency


def public_cache(**props: Any) -> Template:
    """A new cache with a public endpoint, and a function attached to it."""
    scope = stack()
    store = IdempotencyStore.elasticache_serverless(**props)
    Idempotency(scope, "Idempotency", store=store).attach(function(scope))
    return template(scope)


def settings_of(found: Template) -> RedisSettings:
    """The settings of the template's one cache, with its address and port filled in; a secret is
    called by its logical id."""
    [cache] = found.find_resources("AWS::ElastiCache::ServerlessCache")
    known = {"Endpoint.Address": "cache.example.com", "Endpoint.Port": "6379"}
    texts = []
    for part in only(found, "AWS::SSM::Parameter")["Value"]["Fn::Join"][1]:
        if isinstance(part, str):
            texts.append(part)
        elif "Ref" in part:
            texts.append(part["Ref"])
        else:
            name, attribute = part["Fn::GetAtt"]
            assert name == cache
            texts.append(known[attribute])
    return RedisSettings.parse("".join(texts), "/p")
