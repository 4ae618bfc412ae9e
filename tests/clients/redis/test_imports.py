"""A Redis-configured function: the modules that it loads, and its failure without redis-py."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import pytest

from kit.redis.access import NAMESPACE, Access, Publish

HEAVY: Final = {"boto3", "botocore", "urllib3", "jmespath", "cdk_idempotency"}

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
        "IDEMPOTENCY_STORE": "redis",
        "IDEMPOTENCY_PARAMETER": access.parameter,
        "IDEMPOTENCY_NAMESPACE": NAMESPACE,
    }


def test_a_whole_call_on_redis_loads_neither_boto3_nor_the_infrastructure(
    environment: dict[str, str],
) -> None:
    loaded = _loaded(CALL, environment)
    assert "redis.connection" in loaded
    assert loaded & HEAVY == set()


def test_redis_py_is_loaded_while_the_environment_starts(environment: dict[str, str]) -> None:
    """The first call does not load it: that call has less CPU."""
    assert "redis.connection" in _loaded(HANDLER, environment)


def test_a_store_with_a_client_of_ones_own_loads_no_aws(environment: dict[str, str]) -> None:
    loaded = _loaded("from lambda_idempotency import RedisStore", environment)
    assert "lambda_idempotency.stores.redis" in loaded
    assert {name for name in loaded if name.startswith("lambda_idempotency.aws")} == set()
    assert "redis" not in loaded


def test_a_function_on_dynamodb_does_not_load_redis_py(environment: dict[str, str]) -> None:
    on_dynamodb = {**environment, "IDEMPOTENCY_STORE": "dynamodb", "IDEMPOTENCY_TABLE": "records"}
    loaded = _loaded(HANDLER, on_dynamodb)
    assert "lambda_idempotency.stores.dynamodb" in loaded
    assert {name for name in loaded if name.split(".")[0] == "redis"} == set()
    assert {name for name in loaded if name.startswith("lambda_idempotency.redis")} == set()


def test_without_redis_py_the_error_says_what_to_install(environment: dict[str, str]) -> None:
    without = f"import sys\nsys.modules['redis'] = None\n{HANDLER}"
    ran = _run(without, environment)
    assert ran.returncode != 0
    said = ran.stderr.splitlines()[-1]
    assert "store is 'redis', and redis" in said
    assert "pip install 'cdk-idempotency[redis]'" in said


def test_without_a_parameter_no_store_is_configured(environment: dict[str, str]) -> None:
    environment.pop("IDEMPOTENCY_PARAMETER")
    on_lambda = {**environment, "AWS_LAMBDA_FUNCTION_NAME": "payments"}
    ran = _run(HANDLER, on_lambda)
    assert "ConfigurationError: @idempotent: no store is configured" in ran.stderr
