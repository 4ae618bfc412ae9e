"""The one user of a new cache: its authentication and its rights."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import IStableStringProducer, Lazy
from aws_cdk import aws_elasticache as elasticache

from constructs import Construct
from lambda_idempotency.contract.redis import access_string

from ..errors import ConstructError
from .credentials import IamToken, RedisCredentials, SecretPassword

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_secretsmanager as secretsmanager


@dataclass(frozen=True, kw_only=True)
class Login:
    """The user's authentication: for functions, and for ElastiCache."""

    user: str
    credentials: IamToken | SecretPassword
    mode: dict[str, Any]
    """The authentication mode in CloudFormation's own form, which is untyped."""


def login_for(scope: Construct, credentials: RedisCredentials, name: str) -> Login:
    """Return the login with these credentials, for a cache and a user of this name. Raise
    ConstructError saying what to do."""
    if isinstance(credentials, IamToken):
        if credentials != IamToken(cache=None, user=None, serverless=True):
            raise ConstructError(
                scope,
                "cache, user and serverless are those of elasticache_serverless itself; pass "
                "RedisCredentials.iam()",
            )
        token = IamToken(cache=name, user=name, serverless=True)
        return Login(user=name, credentials=token, mode={"Type": "iam"})
    if isinstance(credentials, SecretPassword):
        return _password(scope, credentials, name)
    raise ConstructError(
        scope,
        "a new cache authenticates everybody; pass RedisCredentials.iam() or "
        "RedisCredentials.secret()",
    )


def create_user_group(
    scope: Construct, name: str, login: Login, namespaces: set[str]
) -> elasticache.CfnUserGroup:
    """Create the user and its group. The user may use `namespaces`, as they are at synth."""
    user = elasticache.CfnUser(
        scope,
        "User",
        engine="valkey",
        user_id=name,
        user_name=login.user,
        authentication_mode=login.mode,
        access_string=Lazy.string(_AccessString(namespaces)),
    )
    # A group for Valkey, unlike one for Redis, needs no user `default`, and has none unless it is
    # listed: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html
    return elasticache.CfnUserGroup(
        scope, "UserGroup", engine="valkey", user_group_id=name, user_ids=[user.ref]
    )


@jsii.implements(IStableStringProducer)
class _AccessString:
    """The user's rights, produced at synth, when every function has been attached."""

    def __init__(self, namespaces: set[str]) -> None:
        self._namespaces = namespaces

    def produce(self) -> str:
        if not self._namespaces:
            return "off -@all"
        return access_string(sorted(self._namespaces), cluster=True)


def _password(scope: Construct, credentials: SecretPassword, name: str) -> Login:
    secret = credentials.source
    user = name if credentials.username is None else credentials.username
    if secret is None:
        secret = _secret(scope, user, credentials.encryption_key)
        credentials = replace(credentials, encryption_key=None)
    elif credentials.username is None:
        raise ConstructError(
            scope,
            "a secret of your own needs its user's name; pass username=... to "
            "RedisCredentials.secret(), as the secret has it",
        )
    # A reference that CloudFormation resolves: no password is in the template.
    password = secret.secret_value_from_json("password").unsafe_unwrap()
    return Login(
        user=user,
        credentials=replace(credentials, source=secret, username=user),
        mode={"Type": "password", "Passwords": [password]},
    )


def _secret(scope: Construct, user: str, key: kms.IKey | None) -> secretsmanager.Secret:
    from aws_cdk import aws_secretsmanager as secretsmanager

    return secretsmanager.Secret(
        scope,
        "Secret",
        description="cdk-idempotency: the password of the cache's user",
        encryption_key=key,
        generate_secret_string=secretsmanager.SecretStringGenerator(
            secret_string_template=json.dumps({"username": user}),
            generate_string_key="password",
            password_length=64,
            exclude_punctuation=True,
        ),
    )
