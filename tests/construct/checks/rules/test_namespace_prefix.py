"""A store of another app without a prefix is reported."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_ssm as ssm

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.checks import findings
from kit.synth import function, stack

RULE = "namespace-prefix"


def _redis(**options: Any) -> IdempotencyStore:
    return IdempotencyStore.redis(credentials=RedisCredentials.none(), **options)


def _table(scope: Stack) -> IdempotencyStore:
    return IdempotencyStore.dynamodb(table=dynamodb.Table.from_table_name(scope, "Mine", "records"))


def _parameter(scope: Stack) -> IdempotencyStore:
    name = "/redis"
    return _redis(parameter=ssm.StringParameter.from_string_parameter_name(scope, "Mine", name))


IMPORTED = {
    "table": _table,
    "server": lambda _: _redis(host="redis.example.com"),
    "parameter": _parameter,
    "parameter's name": lambda _: _redis(parameter="/redis"),
}
imported = pytest.mark.parametrize("make", IMPORTED.values(), ids=IMPORTED.keys())


@imported
def test_an_imported_store_without_a_prefix_is_reported(make: Any) -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", store=make(scope))
    idempotency.attach(function(scope))
    [finding] = findings(idempotency, RULE)
    assert finding.severity == "warning"
    assert finding.construct.node.path == "Stack/Idempotency"
    assert "Pass a namespace_prefix=..." in finding.message


@imported
def test_a_prefix_is_in_order(make: Any) -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", store=make(scope), namespace_prefix="shop")
    idempotency.attach(function(scope))
    assert findings(idempotency, RULE) == []


@imported
def test_where_nothing_is_attached_there_is_no_namespace(make: Any) -> None:
    scope = stack()
    assert findings(Idempotency(scope, "Idempotency", store=make(scope)), RULE) == []


def _own_table(scope: Stack) -> IdempotencyStore:
    key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    return IdempotencyStore.dynamodb(table=dynamodb.Table(scope, "Table", partition_key=key))


def _own_server(scope: Stack) -> IdempotencyStore:
    cache = elasticache.CfnServerlessCache(
        scope, "Cache", engine="valkey", serverless_cache_name="cache"
    )
    return _redis(host=cache.attr_endpoint_address)


def _own_parameter(scope: Stack) -> IdempotencyStore:
    return _redis(parameter=ssm.StringParameter(scope, "Parameter", string_value="{}"))


OWN = {
    "new table": lambda _: None,
    "table": _own_table,
    "server": _own_server,
    "parameter": _own_parameter,
    "loopback": lambda _: _redis(host="localhost"),
    "new cache": lambda _: IdempotencyStore.elasticache_serverless(),
}


@pytest.mark.parametrize("make", OWN.values(), ids=OWN.keys())
def test_a_store_of_the_app_is_in_order(make: Any) -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", store=make(scope))
    idempotency.attach(function(scope))
    assert findings(idempotency, RULE) == []
