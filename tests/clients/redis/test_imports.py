"""A Redis-configured function: the modules that it loads, redis-py not among them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import pytest

from kit.redis.access import NAMESPACE, Access, Publish

CLIENT: Final = "lambda_idempotency.clients.redis"
HEAVY: Final = {
    *("asyncio", "boto3", "botocore", "cdk_idempotency", "dataclasses", "http.client"),
    *("datetime", "encodings.idna", "inspect", "jmespath", "logging", "redis", "urllib.parse"),
    *("unicodedata", "urllib3"),
}
MOST: Final = 115
"""The most modules of ours that a whole call loads: each takes a cold start some 0.2 ms."""

HANDLER: Final = """
from lambda_idempotency import idempotent
@idempotent
def handler(event, context):
    return event
"""
CALL: Final = f"{HANDLER}\nassert handler({{'order': 1}}, None) == {{'order': 1}}\n"


def _run(statements: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"{statements}\nimport sys\nprint(*sys.modules)"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def _loaded(statements: str, environment: dict[str, str]) -> set[str]:
    ran = _run(statements, environment)
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split())


@pytest.fixture
def environment(access: Access, publish: Publish) -> dict[str, str]:
    """Return the environment of a function that is attached to the shared server."""
    publish()
    return {
        **access.environment,
        "AWS_LAMBDA_FUNCTION_NAME": "payments",  # elsewhere a heartbeat renews leases
        "IDEMPOTENCY_STORE": "redis",
        "IDEMPOTENCY_PARAMETER": access.parameter,
        "IDEMPOTENCY_NAMESPACE": NAMESPACE,
    }


def test_a_whole_call_on_redis_loads_nothing_heavy(environment: dict[str, str]) -> None:
    loaded = _loaded(CALL, environment)
    assert f"{CLIENT}.node" in loaded
    assert loaded & HEAVY == set()
    assert len(_rooms(loaded, "lambda_idempotency")) <= MOST


def test_a_single_server_in_clear_needs_no_tls(environment: dict[str, str]) -> None:
    assert "ssl" not in _loaded(CALL, environment)


def test_the_client_is_loaded_while_the_environment_starts(environment: dict[str, str]) -> None:
    """The first call does not load it: that call has less CPU."""
    before, after = _loaded(HANDLER, environment), _loaded(CALL, environment)
    assert {name for name in after - before if name.startswith("lambda_idempotency.")} == set()


def test_a_store_with_a_client_of_ones_own_loads_no_aws(environment: dict[str, str]) -> None:
    loaded = _loaded("from lambda_idempotency import RedisStore", environment)
    assert "lambda_idempotency.stores.redis" in loaded
    assert _rooms(loaded, "lambda_idempotency.clients.aws") == set()
    assert "redis" not in loaded


def test_a_function_on_dynamodb_loads_no_redis(environment: dict[str, str]) -> None:
    on_dynamodb = {**environment, "IDEMPOTENCY_STORE": "dynamodb", "IDEMPOTENCY_TABLE": "records"}
    loaded = _loaded(HANDLER, on_dynamodb)
    assert "lambda_idempotency.stores.dynamodb" in loaded
    assert _rooms(loaded, "redis") == _rooms(loaded, CLIENT) == set()


def _rooms(loaded: set[str], package: str) -> set[str]:
    return {name for name in loaded if f"{name}.".startswith(f"{package}.")}


def test_a_call_needs_no_redis_py(environment: dict[str, str]) -> None:
    ran = _run(f"import sys\nsys.modules['redis'] = None\n{CALL}", environment)
    assert ran.returncode == 0, ran.stderr


def test_without_a_parameter_no_store_is_configured(environment: dict[str, str]) -> None:
    environment.pop("IDEMPOTENCY_PARAMETER")
    ran = _run(HANDLER, environment)
    assert "ConfigurationError: @idempotent: no store is configured" in ran.stderr
