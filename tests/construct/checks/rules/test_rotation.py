"""Rotations that cannot work are refused, and those that may lock functions out are warned of."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_memorydb as memorydb
from aws_cdk import aws_secretsmanager as secretsmanager

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials, RedisRotation
from kit.redis_apps import COMPLETE, acl_rotation, imported_secret, rotated_server
from kit.synth import app, function, stack, template, vpc, warnings

# Others that rotate the secret --------------------------------------------------------------------


def _server(scope: Stack, secret: secretsmanager.ISecret, **props: Any) -> Idempotency:
    credentials = RedisCredentials.secret(secret, **props)
    store = IdempotencyStore.redis(host="redis.example.com", credentials=credentials)
    return Idempotency(scope, "Idempotency", store=store)


def _secret(scope: Stack, name: str = "Secret") -> secretsmanager.Secret:
    return secretsmanager.Secret(scope, name)


def _rotate(scope: Stack, secret: secretsmanager.ISecret) -> None:
    secret.add_rotation_schedule("Foreign", rotation_lambda=function(scope, "Rotator"))


def test_a_rotation_by_another_function_is_warned_of() -> None:
    scope = stack()
    secret = _secret(scope)
    _server(scope, secret)
    _rotate(scope, secret)
    [warning] = warnings(scope, "/Stack/Secret/Foreign/Resource")
    assert "by a function that may not keep the old one valid" in warning
    assert "rotation=RedisRotation.acl(...) or .elasticache(...)" in warning
    assert "[ack: cdk-idempotency:rotation]" in warning


def test_a_rotation_of_an_imported_secret_by_another_function_is_warned_of() -> None:
    scope = stack()
    secret = imported_secret(scope)
    _server(scope, secret)
    _rotate(scope, secret)
    assert len(warnings(scope, "*")) == 1


def test_a_raw_rotation_by_a_function_of_another_app_is_warned_of() -> None:
    scope = stack()
    _server(scope, imported_secret(scope))
    secretsmanager.CfnRotationSchedule(
        scope,
        "Schedule",
        secret_id=COMPLETE,
        rotation_lambda_arn="arn:aws:lambda:us-east-1:111111111111:function:rotator",
        rotation_rules={"automaticallyAfterDays": 30},
    )
    assert len(warnings(scope, "/Stack/Schedule")) == 1


def test_a_hosted_rotation_is_warned_of() -> None:
    scope = stack()
    secret = _secret(scope)
    _server(scope, secret)
    hosted = secretsmanager.HostedRotation.postgre_sql_single_user(vpc=vpc(scope))
    secret.add_rotation_schedule("Hosted", hosted_rotation=hosted)
    assert len(warnings(scope, "*")) == 1


def test_a_rotation_in_another_stack_is_warned_of() -> None:
    root = app()
    store, scope = stack(root, "Store"), stack(root, "Functions")
    secret = _secret(store)
    _server(scope, secret).attach(function(scope))
    _rotate(store, secret)
    assert len(warnings(store, "*")) == 1


def test_the_rotation_of_this_project_is_in_order() -> None:
    scope = stack()
    rotated_server(scope, acl_rotation(scope), _secret(scope))
    assert warnings(scope, "*") == []


def test_the_rotation_of_another_construct_is_in_order() -> None:
    scope = stack()
    secret = _secret(scope)
    rotated_server(scope, acl_rotation(scope), secret)
    credentials = RedisCredentials.secret(secret)
    store = IdempotencyStore.redis(host="redis.example.com", credentials=credentials)
    Idempotency(scope, "Other", store=store)
    assert warnings(scope, "*") == []


def test_a_rotation_of_another_secret_is_in_order() -> None:
    scope = stack()
    _server(scope, _secret(scope))
    _rotate(scope, _secret(scope, "Other"))
    assert warnings(scope, "*") == []


# Servers whose users a rotation cannot change -----------------------------------------------------


def _group(scope: Stack) -> str:
    return elasticache.CfnReplicationGroup(
        scope,
        "Cache",
        replication_group_description="records",
        cache_parameter_group_name="records",
    ).attr_primary_end_point_address


def _serverless(scope: Stack) -> str:
    return elasticache.CfnServerlessCache(
        scope, "Cache", engine="valkey", serverless_cache_name="records"
    ).attr_endpoint_address


def _memorydb(scope: Stack) -> str:
    return memorydb.CfnCluster(
        scope, "Cache", acl_name="acl", cluster_name="records", node_type="db.t4g.small"
    ).attr_cluster_endpoint_address


def _rotated(scope: Stack, host: str, rotation: RedisRotation) -> Stack:
    credentials = RedisCredentials.secret(_secret(scope), username="app", rotation=rotation)
    store = IdempotencyStore.redis(host=host, credentials=credentials)
    Idempotency(scope, "Idempotency", store=store)
    return scope


@pytest.mark.parametrize("cache", [_group, _serverless])
def test_a_rotation_by_acl_on_elasticache_is_an_error(cache: Any) -> None:
    scope = stack()
    _rotated(scope, cache(scope), acl_rotation(scope))
    expected = (
        r"(?s)Stack/Idempotency: RedisRotation.acl\(\) cannot change the users of Stack/Cache.*"
        r"Pass RedisRotation.elasticache\(user_id=.*\[cdk-idempotency:rotation-strategy\]"
    )
    with pytest.raises(Exception, match=expected):
        template(scope)


@pytest.mark.parametrize("strategy", ["acl", "elasticache"])
def test_a_rotation_on_memorydb_is_an_error(strategy: str) -> None:
    scope = stack()
    by_api = RedisRotation.elasticache(user_id="app")
    _rotated(scope, _memorydb(scope), acl_rotation(scope) if strategy == "acl" else by_api)
    with pytest.raises(Exception, match="Leave rotation out: there is none for MemoryDB"):
        template(scope)


@pytest.mark.parametrize("cache", [_group, _serverless])
def test_a_rotation_by_the_api_on_elasticache_is_in_order(cache: Any) -> None:
    scope = stack()
    _rotated(scope, cache(scope), RedisRotation.elasticache(user_id="app"))
    assert warnings(scope, "*") == []


def test_elasticache_without_a_rotation_is_in_order() -> None:
    scope = stack()
    credentials = RedisCredentials.secret(_secret(scope))
    store = IdempotencyStore.redis(host=_group(scope), credentials=credentials)
    Idempotency(scope, "Idempotency", store=store)
    assert warnings(scope, "*") == []


def test_an_administrator_with_the_users_own_secret_is_refused() -> None:
    scope = stack()
    secret = _secret(scope)
    message = "[Stack/Idempotency] admin has the user's own secret, and a user cannot rotate"
    with pytest.raises(ValueError, match=re.escape(message)):
        rotated_server(scope, acl_rotation(scope, admin=secret), secret)
