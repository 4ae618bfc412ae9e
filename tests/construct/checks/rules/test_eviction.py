"""A cache of this app that evicts records before they expire is reported."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter, Size, Stack
from aws_cdk import aws_elasticache as elasticache

from kit.checks import problems
from kit.redis.apps import cache_in_vpc, server
from kit.synth import stack


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
def test_a_cache_with_the_default_parameters_is_reported(cache: Any, group: str | None) -> None:
    scope = stack()
    host = cache(scope, cache_parameter_group_name=group)
    [finding] = problems(server(scope, host=host)).values()
    assert finding.id == "cdk-idempotency:eviction"
    assert finding.construct.node.path == "Stack/Idempotency"
    assert "When Stack/Cache is full, it evicts records before they expire" in finding.message
    assert "(maxmemory-policy is volatile-lru)" in finding.message


@CACHES
@pytest.mark.parametrize(
    ("properties", "policy"),
    [
        (None, "volatile-lru"),
        ({"timeout": "0"}, "volatile-lru"),
        ({"maxmemory-policy": "allkeys-lfu"}, "allkeys-lfu"),
    ],
)
def test_a_cache_that_evicts_is_reported(cache: Any, properties: Any, policy: str) -> None:
    scope = stack()
    host = cache(scope, cache_parameter_group_name=_group(scope, properties))
    [finding] = problems(server(scope, host=host)).values()
    assert f"(maxmemory-policy is {policy})" in finding.message


@CACHES
def test_a_cache_that_evicts_nothing_is_in_order(cache: Any) -> None:
    scope = stack()
    parameters = _group(scope, {"maxmemory-policy": "noeviction"})
    host = cache(scope, cache_parameter_group_name=parameters)
    assert problems(server(scope, host=host)) == {}


@pytest.mark.parametrize("token", [False, True])
def test_parameters_of_another_app_are_not_known(*, token: bool) -> None:
    scope = stack()
    name = CfnParameter(scope, "Group").value_as_string if token else "records"
    host = _cluster(scope, cache_parameter_group_name=name)
    assert problems(server(scope, host=host)) == {}


def test_a_policy_that_only_the_deployment_knows_is_passed() -> None:
    scope = stack()
    policy = CfnParameter(scope, "Policy").value_as_string
    parameters = _group(scope, {"maxmemory-policy": policy})
    host = _cluster(scope, cache_parameter_group_name=parameters)
    assert problems(server(scope, host=host)) == {}


@pytest.mark.parametrize("maximum", [None, 10])
def test_a_serverless_cache_of_ones_own_is_reported_at_a_maximum(maximum: int | None) -> None:
    scope = stack()
    unit = {"unit": "GB", "maximum": maximum}
    cache = elasticache.CfnServerlessCache(
        scope,
        "Cache",
        engine="valkey",
        serverless_cache_name="records",
        cache_usage_limits=None if maximum is None else {"dataStorage": unit},
    )
    found = problems(server(scope, host=cache.attr_endpoint_address)).values()
    assert len(found) == (0 if maximum is None else 1)
    assert all("At 10 GB the cache evicts records" in finding.message for finding in found)


def test_a_new_cache_evicts_nothing_by_default() -> None:
    assert problems(cache_in_vpc(stack())) == {}


def test_a_new_cache_with_a_maximum_is_reported() -> None:
    [finding] = problems(cache_in_vpc(stack(), data_storage_maximum=Size.gibibytes(10))).values()
    assert finding.id == "cdk-idempotency:eviction"
    assert finding.construct.node.path == "Stack/Idempotency"
    assert finding.message.startswith("At 10 GB the cache evicts records before they expire")
