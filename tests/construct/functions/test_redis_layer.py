"""The layer of the rotation function has redis-py, and no other layer has it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.machinery import ModuleSpec
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path

import pytest
from aws_cdk.assertions import Template

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from cdk_idempotency.functions import contents as module
from kit.redis.apps import acl_rotation, rotated_server
from kit.synth import app, function, stack, template
from lambda_idempotency.contract.names import VERSION

LAYER = "AWS::Lambda::LayerVersion"
REDIS = IdempotencyStore.redis(host="redis.example.com", credentials=RedisCredentials.none())


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the directories that become layers: that of the attached function, and that of the
    rotation function.
    """
    output = tmp_path_factory.mktemp("layer")
    root = app(outdir=output)
    scope = stack(root)
    rotated_server(scope, acl_rotation(scope)).attach(function(scope))
    root.synth()
    found = [path for path in output.glob("asset.*") if (path / "python").is_dir()]
    return sorted(found, key=lambda path: (path / "python" / "redis").exists())


@pytest.fixture(scope="module")
def layer(layers: list[Path]) -> Path:
    """Return the directory that becomes the layer of the rotation function."""
    return layers[-1]


def _layers_of(found: Template) -> dict[str, str]:
    """Return the layer of each function."""
    return {
        name: function["Properties"]["Layers"][0]["Ref"]
        for name, function in found.find_resources("AWS::Lambda::Function").items()
    }


def test_only_the_rotation_function_s_layer_holds_redis_py(layers: list[Path]) -> None:
    attached, rotating = (
        {path.name for path in (layer / "python").iterdir() if path.suffix != ".dist-info"}
        for layer in layers
    )
    assert attached == {"jmespath", "lambda_idempotency"}
    assert rotating == attached | {"redis"}


def test_redis_py_has_its_metadata_and_its_license(layer: Path) -> None:
    [info] = (layer / "python").glob("redis-*.dist-info")
    names = {path.name for path in info.rglob("*") if path.is_file()}
    assert names == {"METADATA", "LICENSE"}


def test_the_rotation_s_layer_has_no_byte_code_whatever_python_synthesizes(layer: Path) -> None:
    assert list((layer / "python/redis").rglob("*.py"))
    assert not list(layer.rglob("*.pyc"))


@pytest.mark.parametrize(
    ("number", "module"), [(0, "clients.redis.parameter"), (1, "rotation.connect")]
)
def test_a_layer_alone_has_what_its_function_needs(
    layers: list[Path], number: int, module: str
) -> None:
    program = f"import lambda_idempotency.{module} as found; print(found.__file__)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],  # -S: no site-packages, as on Lambda
        env={**os.environ, "PYTHONPATH": str(layers[number] / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith(str(layers[number]))


def test_redis_py_needs_nothing_that_the_layer_lacks() -> None:
    # Lambda's Python 3.11 is newer than 3.11.3.
    optional = re.compile(r"extra ==|python_full_version < .3\.11\.3.")
    assert [needed for needed in requires("redis") or () if not optional.search(needed)] == []


def test_a_stack_has_one_layer_for_all_stores_and_one_for_rotations() -> None:
    scope = stack()
    Idempotency(scope, "Table").attach(function(scope, "One"))
    Idempotency(scope, "Redis", store=REDIS).attach(function(scope, "Two"))
    rotated_server(scope, acl_rotation(scope)).attach(function(scope, "Three"))
    found = template(scope)
    layers = _layers_of(found)
    one, two, three, rotation = (
        next(layer for name, layer in layers.items() if name.startswith(start))
        for start in ("One", "Two", "Three", "Idempotency")
    )
    assert one == two == three != rotation
    names = {
        name: layer["Properties"]["Description"]
        for name, layer in found.find_resources(LAYER).items()
    }
    assert names == {
        one: f"cdk-idempotency {VERSION}: lambda_idempotency",
        rotation: f"cdk-idempotency {VERSION}: lambda_idempotency, redis",
    }


def _without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    def found(name: str) -> ModuleSpec | None:
        return None if name == missing else find_spec(name)

    monkeypatch.setattr(module, "find_spec", found)


def test_a_missing_redis_py_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _without(monkeypatch, "redis")
    scope = stack()
    with pytest.raises(ValueError, match="the layer is copied from what is ins") as raised:
        rotated_server(scope, acl_rotation(scope))
    assert "pip install 'cdk-idempotency[redis]'" in str(raised.value)


@pytest.mark.parametrize("store", [None, REDIS])
def test_a_missing_redis_py_is_no_matter_without_a_rotation(
    monkeypatch: pytest.MonkeyPatch, store: IdempotencyStore | None
) -> None:
    _without(monkeypatch, "redis")
    scope = stack()
    Idempotency(scope, "Idempotency", store=store).attach(function(scope))
    template(scope).resource_count_is(LAYER, 1)
