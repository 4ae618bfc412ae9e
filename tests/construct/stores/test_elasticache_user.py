"""The user of a new cache: its authentication, and its rights."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials, RedisRotation
from kit.redis.apps import COMPLETE, cache_in_vpc, public_cache, settings_of
from kit.synth import arn, function, only, stack, statements, template, vpc
from lambda_idempotency.contract.redis import access_string

CACHE = "AWS::ElastiCache::ServerlessCache"
USER = "AWS::ElastiCache::User"
GROUP = "AWS::ElastiCache::UserGroup"
SECRET = "AWS::SecretsManager::Secret"
NAME = "stack-idempotency-6d7ee783"
"""The name of the cache, the user and the group; its end follows from the construct's path."""


@cache
def _synthesized(**props: Any) -> Template:
    scope = stack()
    cache_in_vpc(scope, **props)
    return template(scope)


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(f"[Stack/Idempotency] {message}"))


def test_the_user_authenticates_by_iam_and_has_the_name_of_its_id() -> None:
    user = only(_synthesized(), USER)
    assert user["AuthenticationMode"] == {"Type": "iam"}
    assert user["UserId"] == user["UserName"] == NAME
    assert user["Engine"] == "valkey"


def test_the_user_is_the_only_one_of_its_group() -> None:
    found = _synthesized()
    [user] = found.find_resources(USER)
    assert only(found, GROUP) == {
        "Engine": "valkey",
        "UserGroupId": NAME,
        "UserIds": [{"Ref": user}],
    }


def test_the_user_may_use_the_attached_namespaces_once_each() -> None:
    scope = stack()
    idempotency = cache_in_vpc(scope)
    home = scope.node.find_child("Vpc")
    idempotency.attach(function(scope, "Two", vpc=home), namespace="refunds.v1")
    role = iam.Role(scope, "Worker", assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"))
    idempotency.grant_use(role, namespace="Stack/Payments")
    idempotency.grant_use(role)
    assert only(template(scope), USER)["AccessString"] == access_string(
        ["Stack/Payments", "refunds.v1"], cluster=True
    )
    assert only(template(scope), USER)["AccessString"].startswith(
        "on ~Stack/Payments#* ~refunds.v1#* -@all +"
    )


def test_grant_use_with_a_namespace_widens_the_users_rights() -> None:
    scope = stack()
    idempotency = cache_in_vpc(scope)
    role = iam.Role(scope, "Worker", assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"))
    idempotency.grant_use(role, namespace="worker")
    found = template(scope)
    assert only(found, USER)["AccessString"].startswith("on ~Stack/Payments#* ~worker#* -@all +")
    assert statements(found, "Worker") == statements(found)


def test_without_a_function_the_user_may_do_nothing() -> None:
    scope = stack()
    store = IdempotencyStore.elasticache_serverless(vpc=vpc(scope))
    Idempotency(scope, "Idempotency", store=store)
    assert only(template(scope), USER)["AccessString"] == "off -@all"


def test_two_constructs_have_a_user_and_a_cache_each() -> None:
    scope = stack()
    store = IdempotencyStore.elasticache_serverless()
    Idempotency(scope, "One", store=store).attach(function(scope, "A"))
    Idempotency(scope, "Two", store=store).attach(function(scope, "B"))
    users = template(scope).find_resources(USER).values()
    rights = {user["Properties"]["AccessString"].split(" -@all")[0] for user in users}
    assert rights == {"on ~Stack/A#*", "on ~Stack/B#*"}
    assert len({user["Properties"]["UserId"] for user in users}) == 2


def test_iam_may_connect_to_that_cache_as_that_user_and_nothing_wider() -> None:
    found = _synthesized()
    [parameter] = found.find_resources("AWS::SSM::Parameter")
    assert statements(found) == [
        {
            "Effect": "Allow",
            "Action": "ssm:GetParameter",
            "Resource": arn("ssm", "parameter/", {"Ref": parameter}),
        },
        {
            "Effect": "Allow",
            "Action": "elasticache:Connect",
            "Resource": [
                arn("elasticache", "serverlesscache:", NAME),
                arn("elasticache", "user:", NAME),
            ],
        },
    ]


def test_a_secret_is_made_with_a_password_that_elasticache_takes() -> None:
    found = _synthesized(credentials=RedisCredentials.secret())
    generated = only(found, SECRET)["GenerateSecretString"]
    assert generated == {
        "ExcludePunctuation": True,
        "GenerateStringKey": "password",
        "PasswordLength": 64,
        "SecretStringTemplate": f'{{"username": "{NAME}"}}',
    }


def test_the_users_password_is_a_reference_to_the_secret() -> None:
    found = _synthesized(credentials=RedisCredentials.secret())
    [secret] = found.find_resources(SECRET)
    password = ["{{resolve:secretsmanager:", {"Ref": secret}, ":SecretString:password::}}"]
    user = only(found, USER)
    assert user["AuthenticationMode"] == {
        "Type": "password",
        "Passwords": [{"Fn::Join": ["", password]}],
    }
    assert user["UserName"] == NAME


def test_a_secret_may_be_read_and_nothing_wider() -> None:
    found = _synthesized(credentials=RedisCredentials.secret())
    [parameter] = found.find_resources("AWS::SSM::Parameter")
    [secret] = found.find_resources(SECRET)
    assert statements(found) == [
        {
            "Effect": "Allow",
            "Action": "ssm:GetParameter",
            "Resource": arn("ssm", "parameter/", {"Ref": parameter}),
        },
        {
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": {"Ref": secret},
        },
    ]


def test_the_settings_name_the_secret() -> None:
    found = _synthesized(
        credentials=RedisCredentials.secret(refresh_after=Duration.minutes(5), username="app")
    )
    [secret] = found.find_resources(SECRET)
    settings = settings_of(found)
    assert settings.credentials._asdict() == {"id": secret, "refresh_after": 300}
    assert settings.username == only(found, USER)["UserName"] == "app"
    assert only(found, SECRET)["GenerateSecretString"]["SecretStringTemplate"] == (
        '{"username": "app"}'
    )


def test_a_secret_of_ones_own_is_used_and_none_is_made() -> None:
    scope = stack()
    secret = secretsmanager.Secret.from_secret_complete_arn(scope, "Secret", COMPLETE)
    cache_in_vpc(scope, credentials=RedisCredentials.secret(secret, username="app"))
    found = template(scope)
    found.resource_count_is(SECRET, 0)
    user = only(found, USER)
    assert (user["UserId"], user["UserName"]) == (NAME, "app")
    assert user["AuthenticationMode"]["Passwords"] == [
        f"{{{{resolve:secretsmanager:{COMPLETE}:SecretString:password::}}}}"
    ]


def test_a_secret_of_ones_own_without_its_users_name_is_refused() -> None:
    scope = stack()
    secret = secretsmanager.Secret.from_secret_complete_arn(scope, "Secret", COMPLETE)
    with _refused("a secret of your own needs its user's name; pass username=..."):
        cache_in_vpc(scope, credentials=RedisCredentials.secret(secret))


def test_a_secret_at_a_public_endpoint_is_refused() -> None:
    with _refused("a public endpoint takes users of IAM only; pass vpc=..."):
        public_cache(credentials=RedisCredentials.secret())


@pytest.mark.parametrize(
    "credentials",
    [
        RedisCredentials.iam(cache="records", user="app"),
        RedisCredentials.iam(cache="records"),
        RedisCredentials.iam(serverless=False),
    ],
)
def test_names_of_another_cache_are_refused(credentials: RedisCredentials) -> None:
    with _refused("cache, user and serverless are those of elasticache_serverless itself"):
        public_cache(credentials=credentials)


def test_a_cache_that_asks_nobody_is_refused() -> None:
    with _refused("a new cache authenticates everybody; pass RedisCredentials.iam()"):
        public_cache(credentials=RedisCredentials.none())


def test_a_rotation_by_acl_is_refused() -> None:
    scope = stack()
    admin = secretsmanager.Secret(scope, "Admin")
    credentials = RedisCredentials.secret(rotation=RedisRotation.acl(admin=admin))
    with _refused("ElastiCache has no ACL SETUSER; pass rotation=RedisRotation.elasticache()"):
        cache_in_vpc(scope, credentials=credentials)


def test_a_rotation_elsewhere_is_refused() -> None:
    rotation = RedisRotation.elasticache(user_id="app")
    with _refused("vpc and user_id of the rotation are those of elasticache_serverless itself"):
        _synthesized(credentials=RedisCredentials.secret(rotation=rotation))
