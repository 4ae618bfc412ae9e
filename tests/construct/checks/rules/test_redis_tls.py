"""A Redis server that is reached in plain text is reported."""

from __future__ import annotations

import pytest
from aws_cdk import Annotations
from aws_cdk import aws_elasticache as elasticache

from cdk_idempotency import IdempotencyStore
from kit.checks import attached, findings, problems
from kit.redis.apps import server
from kit.synth import function, stack, vpc, warnings

RULE = "redis-tls"
PLAIN = "speak in plain text (tls=False)"


@pytest.mark.parametrize("host", ["redis.example.com", "10.0.0.1", "localhost.net"])
def test_plain_text_is_reported(host: str) -> None:
    [finding] = problems(server(stack(), host=host, tls=False)).values()
    assert finding.id == f"cdk-idempotency:{RULE}"
    assert finding.construct.node.path == "Stack/Idempotency"
    assert PLAIN in finding.message


def test_plain_text_to_a_server_of_this_app_is_reported() -> None:
    scope = stack()
    cache = elasticache.CfnReplicationGroup(
        scope, "Cache", replication_group_description="records", transit_encryption_enabled=False
    )
    host = cache.attr_primary_end_point_address
    [finding] = findings(server(scope, host=host, tls=False), RULE)
    assert PLAIN in finding.message


@pytest.mark.parametrize("host", ["localhost", "Localhost", "127.0.0.1", "::1"])
def test_plain_text_on_the_loopback_address_is_in_order(host: str) -> None:
    assert problems(server(stack(), host=host, tls=False)) == {}


def test_tls_is_in_order() -> None:
    assert problems(server(stack(), host="redis.example.com")) == {}


def test_a_new_cache_is_in_order() -> None:
    scope = stack()
    home = vpc(scope)
    store = IdempotencyStore.elasticache_serverless(vpc=home)
    assert problems(attached(function(scope, vpc=home), store=store)) == {}


def test_the_warning_is_acknowledged_on_the_construct() -> None:
    scope = stack()
    known = server(scope, host="10.0.0.1", tls=False)
    Annotations.of(known).acknowledge_warning(f"cdk-idempotency:{RULE}", "encrypted by WireGuard")
    assert warnings(scope, "/Stack/Idempotency") == []
