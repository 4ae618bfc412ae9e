"""A Redis server without authentication is reported."""

from __future__ import annotations

import pytest

from cdk_idempotency import RedisCredentials
from kit.checks import problems
from kit.redis.apps import server
from kit.synth import stack

NONE = RedisCredentials.none()


def test_a_server_without_credentials_is_reported() -> None:
    [finding] = problems(server(stack(), host="10.0.0.1", credentials=NONE)).values()
    assert finding.id == "cdk-idempotency:redis-credentials"
    assert finding.construct.node.path == "Stack/Idempotency"
    assert "asks nobody who he is (RedisCredentials.none())" in finding.message


@pytest.mark.parametrize("host", ["localhost", "Localhost", "127.0.0.1", "::1"])
def test_a_server_without_credentials_on_the_loopback_address_is_in_order(host: str) -> None:
    assert problems(server(stack(), host=host, credentials=NONE)) == {}


def test_a_server_with_credentials_is_in_order() -> None:
    iam = RedisCredentials.iam(cache="cache", user="user", serverless=False)
    assert problems(server(stack(), host="10.0.0.1", credentials=iam)) == {}


def test_nothing_is_known_of_the_server_in_a_parameter() -> None:
    assert problems(server(stack(), parameter="/redis", credentials=NONE)) == {}
