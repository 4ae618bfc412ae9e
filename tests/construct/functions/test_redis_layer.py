"""redis-py is in the layer of those who need it, and of nobody else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution, requires
from pathlib import Path

import pytest
from aws_cdk.assertions import Template

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from cdk_idempotency.functions import layer as module
from kit.synth import app, function, stack, template

LAYER = "AWS::Lambda::LayerVersion"
REDIS = IdempotencyStore.redis(host="redis.example.com", credentials=RedisCredentials.none())


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that becomes the layer of a function with records in Redis."""
    output = tmp_path_factory.mktemp("layer")
    root = app(outdir=output)
    scope = stack(root)
    Idempotency(scope, "Idempotency", store=REDIS).attach(function(scope))
    root.synth()
    [found] = [path for path in output.glob("asset.*") if (path / "python").is_dir()]
    return found


def _layers_of(found: Template) -> dict[str, str]:
    """Return the layer of each function."""
    return {
        name: function["Properties"]["Layers"][0]["Ref"]
        for name, function in found.find_resources("AWS::Lambda::Function").items()
    }


def test_the_layer_holds_redis_py_beside_the_runtime(layer: Path) -> None:
    tops = {path.name for path in (layer / "python").iterdir()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "jmespath",
        "lambda_idempotency",
        "redis",
    }


def test_redis_py_has_its_metadata_and_its_license(layer: Path) -> None:
    [info] = (layer / "python").glob("redis-*.dist-info")
    names = {path.name for path in info.rglob("*") if path.is_file()}
    assert names == {"METADATA", "LICENSE"}


def test_redis_py_has_byte_code(layer: Path) -> None:
    sources = list((layer / "python/redis").rglob("*.py"))
    assert sources
    for source in sources:
        name = f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        assert (source.parent / "__pycache__" / name).is_file(), source.name


def test_the_layer_alone_makes_a_client(layer: Path) -> None:
    program = (
        "import redis, lambda_idempotency.contract.rotation\n"
        "redis.Redis(host='127.0.0.1')\n"
        "redis.cluster.RedisCluster\n"
        "print(redis.__file__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],  # -S: no site-packages, as on Lambda
        env={**os.environ, "PYTHONPATH": str(layer / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith(str(layer))


def test_redis_py_needs_nothing_that_the_layer_lacks() -> None:
    # Lambda's Python 3.11 is newer than 3.11.3.
    optional = re.compile(r"extra ==|python_full_version < .3\.11\.3.")
    assert [needed for needed in requires("redis") or () if not optional.search(needed)] == []


def test_a_stack_with_both_stores_has_a_layer_for_each() -> None:
    scope = stack()
    Idempotency(scope, "Table").attach(function(scope, "One"))
    Idempotency(scope, "Redis", store=REDIS).attach(function(scope, "Two"))
    Idempotency(scope, "Again", store=REDIS).attach(function(scope, "Three"))
    found = template(scope)
    found.resource_count_is(LAYER, 2)
    layers = _layers_of(found)
    one, two, three = (
        next(layer for name, layer in layers.items() if name.startswith(start))
        for start in ("One", "Two", "Three")
    )
    assert two == three != one
    names = {
        name: layer["Properties"]["Description"]
        for name, layer in found.find_resources(LAYER).items()
    }
    assert names == {
        one: "cdk-idempotency: lambda_idempotency",
        two: "cdk-idempotency: lambda_idempotency, redis",
    }


def _without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    def found(name: str) -> Distribution:
        if name == missing:
            raise PackageNotFoundError(name)
        return distribution(name)

    monkeypatch.setattr(module, "distribution", found)


def test_a_missing_redis_py_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _without(monkeypatch, "redis")
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", store=REDIS)
    with pytest.raises(
        ValueError, match=r"\[Stack\] the layer is copied from what is ins"
    ) as raised:
        idempotency.attach(function(scope))
    assert "pip install 'cdk-idempotency[redis]'" in str(raised.value)


def test_a_missing_redis_py_is_no_matter_for_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "redis")
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope))
    template(scope).resource_count_is(LAYER, 1)
