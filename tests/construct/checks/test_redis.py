"""A Redis server that others may read or write is warned of."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Annotations, Stack
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


def test_a_warning_is_acknowledged_on_the_construct() -> None:
    scope = _server(stack(), host="10.0.0.1", tls=False)
    known = scope.node.find_child("Idempotency")
    Annotations.of(known).acknowledge_warning("cdk-idempotency:redis-tls", "encrypted by WireGuard")
    assert _found(scope) == []
