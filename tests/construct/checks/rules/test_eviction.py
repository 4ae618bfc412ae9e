"""A Redis server that others may read or write is warned of."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Annotations, CfnParameter, Stack
from aws_cdk import aws_elasticache as elasticache

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.redis_apps import imported_secret
from kit.synth import function, stack, vpc, warnings

LOOPBACK = pytest.mark.parametrize("host", ["localhost", "Localhost", "127.0.0.1", "::1"])
ELSEWHERE = pytest.mark.parametrize("host", ["redis.example.com", "10.0.0.1", "localhost.net"])


def _attached(scope: Stack, store: IdempotencyStore, **options: Any) -> Stack:
    Idempotency(scope, "Idempotency", store=store).attach(function(scope, **options))
    return scope


def _server(scope: Stack, **settings: Any) -> Stack:
    defaults = {"credentials": RedisCredentials.secret(imported_secret(scope))}
    return _attached(scope, IdempotencyStore.redis(**{**defaults, **settings}))


def _found(scope: Stack) -> list[str]:
    return warnings(scope, "/Stack/Idempotency")


@ELSEWHERE
def test_plain_text_is_warned_of(host: str) -> None:
    [warning] = _found(_server(stack(), host=host, tls=False))
    assert "speak in plain text (tls=False)" in warning
    assert "[ack: cdk-idempotency:redis-tls]" in warning


def test_plain_text_to_a_server_of_this_app_is_warned_of() -> None:
    scope = stack()
    cache = elasticache.CfnReplicationGroup(
        scope, "Cache", replication_group_description="records", transit_encryption_enabled=False
    )
    host = cache.attr_primary_end_point_address
    assert "plain text" in _found(_server(scope, host=host, tls=False))[0]


@LOOPBACK
def test_plain_text_on_the_loopback_address_is_in_order(host: str) -> None:
    assert _found(_server(stack(), host=host, tls=False)) == []


def test_tls_is_in_order() -> None:
    assert _found(_server(stack(), host="redis.example.com")) == []


def test_a_server_without_credentials_is_warned_of() -> None:
    none = RedisCredentials.none()
    [warning] = _found(_server(stack(), host="10.0.0.1", credentials=none))
    assert "asks nobody who he is (RedisCredentials.none())" in warning
    assert "[ack: cdk-idempotency:redis-credentials]" in warning


@LOOPBACK
def test_a_server_without_credentials_on_the_loopback_address_is_in_order(host: str) -> None:
    none = RedisCredentials.none()
    assert _found(_server(stack(), host=host, credentials=none)) == []


def test_a_server_with_credentials_is_in_order() -> None:
    iam = RedisCredentials.iam(cache="cache", user="user", serverless=False)
    assert _found(_server(stack(), host="10.0.0.1", credentials=iam)) == []


def test_nothing_is_known_of_the_server_in_a_parameter() -> None:
    none = RedisCredentials.none()
    assert _found(_server(stack(), parameter="/redis", credentials=none)) == []


def test_a_new_cache_is_in_order() -> None:
    scope = stack()
    home = vpc(scope)
    store = IdempotencyStore.elasticache_serverless(vpc=home)
    assert _found(_attached(scope, store, vpc=home)) == []


# Eviction -----------------------------------------------------------------------------------------


def _replication_group(scope: Stack, **props: Any) -> str:
    cache = elasticache.CfnReplicationGroup(
        scope, "Cache", replication_group_description="records", **props
    )
    return cache.attr_primary_end_point_address


def _cluster(scope: Stack, **props: Any) -> str:
    cache = elasticache.CfnCacheCluster(
        scope,
        "Cache",
        engine="redis",
        num_cache_nodes=1,
        cache_node_type="cache.t4g.small",
        **props,
    )
    return cache.attr_redis_endpoint_address


CACHES = pytest.mark.parametrize("cache", [_replication_group, _cluster])


def _group(scope: Stack, properties: Any) -> str:
    group = elasticache.CfnParameterGroup(
        scope,
        "Parameters",
        cache_parameter_group_family="redis7",
        description="records",
        properties=properties,
    )
    return group.ref


@CACHES
@pytest.mark.parametrize("group", [None, "default.redis7"])
def test_a_cache_with_the_default_parameters_is_warned_of(cache: Any, group: str | None) -> None:
    scope = stack()
    host = cache(scope, cache_parameter_group_name=group)
    [warning] = _found(_server(scope, host=host))
    assert "When Stack/Cache is full, it evicts records before they expire" in warning
    assert "(maxmemory-policy is volatile-lru)" in warning
    assert "[ack: cdk-idempotency:eviction]" in warning


@CACHES
@pytest.mark.parametrize(
    ("properties", "policy"),
    [
        (None, "volatile-lru"),
        ({"timeout": "0"}, "volatile-lru"),
        ({"maxmemory-policy": "allkeys-lfu"}, "allkeys-lfu"),
    ],
)
def test_a_cache_that_evicts_is_warned_of(cache: Any, properties: Any, policy: str) -> None:
    scope = stack()
    host = cache(scope, cache_parameter_group_name=_group(scope, properties))
    [warning] = _found(_server(scope, host=host))
    assert f"(maxmemory-policy is {policy})" in warning


@CACHES
def test_a_cache_that_evicts_nothing_is_in_order(cache: Any) -> None:
    scope = stack()
    parameters = _group(scope, {"maxmemory-policy": "noeviction"})
    host = cache(scope, cache_parameter_group_name=parameters)
    assert _found(_server(scope, host=host)) == []


@pytest.mark.parametrize("token", [False, True])
def test_parameters_of_another_app_are_not_known(*, token: bool) -> None:
    scope = stack()
    name = CfnParameter(scope, "Group").value_as_string if token else "records"
    host = _cluster(scope, cache_parameter_group_name=name)
    assert _found(_server(scope, host=host)) == []


def test_a_policy_that_is_known_at_deployment_only_is_passed() -> None:
    scope = stack()
    policy = CfnParameter(scope, "Policy").value_as_string
    parameters = _group(scope, {"maxmemory-policy": policy})
    host = _cluster(scope, cache_parameter_group_name=parameters)
    assert _found(_server(scope, host=host)) == []


@pytest.mark.parametrize("maximum", [None, 10])
def test_a_serverless_cache_of_ones_own_is_warned_of_at_a_maximum(maximum: int | None) -> None:
    scope = stack()
    unit = {"unit": "GB", "maximum": maximum}
    cache = elasticache.CfnServerlessCache(
        scope,
        "Cache",
        engine="valkey",
        serverless_cache_name="records",
        cache_usage_limits=None if maximum is None else {"dataStorage": unit},
    )
    found = _found(_server(scope, host=cache.attr_endpoint_address))
    assert len(found) == (0 if maximum is None else 1)
    assert all("At 10 GB the cache evicts records" in warning for warning in found)


def test_a_warning_is_acknowledged_on_the_construct() -> None:
    scope = _server(stack(), host="10.0.0.1", tls=False)
    known = scope.node.find_child("Idempotency")
    Annotations.of(known).acknowledge_warning("cdk-idempotency:redis-tls", "encrypted by WireGuard")
    assert _found(scope) == []
