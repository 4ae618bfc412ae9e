"""A rotation that the server does not support is an error."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_memorydb as memorydb
from aws_cdk import aws_secretsmanager as secretsmanager

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials, RedisRotation
from kit.checks import findings, problems
from kit.redis.apps import acl_rotation
from kit.synth import stack

RULE = "rotation-strategy"


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


def _rotated(scope: Stack, host: str, rotation: RedisRotation | None) -> Idempotency:
    secret = secretsmanager.Secret(scope, "Secret")
    credentials = RedisCredentials.secret(secret, username="app", rotation=rotation)
    store = IdempotencyStore.redis(host=host, credentials=credentials)
    return Idempotency(scope, "Idempotency", store=store)


@pytest.mark.parametrize("cache", [_group, _serverless])
def test_a_rotation_by_acl_on_elasticache_is_an_error(cache: Any) -> None:
    scope = stack()
    [finding] = findings(_rotated(scope, cache(scope), acl_rotation(scope)), RULE)
    assert finding.severity == "error"
    assert finding.construct.node.path == "Stack/Idempotency"
    assert "RedisRotation.acl() cannot change the users of Stack/Cache" in finding.message
    assert "Pass RedisRotation.elasticache(user_id=" in finding.message


@pytest.mark.parametrize("strategy", ["acl", "elasticache"])
def test_a_rotation_on_memorydb_is_an_error(strategy: str) -> None:
    scope = stack()
    by_api = RedisRotation.elasticache(user_id="app")
    rotation = acl_rotation(scope) if strategy == "acl" else by_api
    [finding] = findings(_rotated(scope, _memorydb(scope), rotation), RULE)
    assert finding.severity == "error"
    assert "Leave rotation out: there is none for MemoryDB" in finding.message


@pytest.mark.parametrize("cache", [_group, _serverless])
def test_a_rotation_by_the_api_on_elasticache_is_in_order(cache: Any) -> None:
    scope = stack()
    rotation = RedisRotation.elasticache(user_id="app")
    assert problems(_rotated(scope, cache(scope), rotation)) == {}


def test_elasticache_without_a_rotation_is_in_order() -> None:
    scope = stack()
    assert problems(_rotated(scope, _group(scope), None)) == {}
