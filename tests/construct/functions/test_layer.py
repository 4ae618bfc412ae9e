"""The layer: its content, its identity, its byte code."""

from __future__ import annotations

import ast
import marshal
import os
import subprocess
import sys
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from cdk_idempotency.functions import contents as module
from kit.aws.local import ROOT
from kit.changed import HERE
from kit.synth import app, function, stack, template

LAYER = "AWS::Lambda::LayerVersion"


def _synthesized(output: Path, runtime: lambda_.Runtime = HERE) -> Path:
    """Return the directory that becomes the layer."""
    root = app(outdir=output)
    scope = stack(root)
    Idempotency(scope, "Idempotency").attach(function(scope, runtime=runtime))
    root.synth()
    [layer] = [path for path in output.glob("asset.*") if (path / "python").is_dir()]
    return layer


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _synthesized(tmp_path_factory.mktemp("layer"))


def _content(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_the_layer_holds_the_runtime_and_jmespath_and_nothing_else(layer: Path) -> None:
    tops = {path.name for path in (layer / "python").iterdir()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "jmespath",
        "lambda_idempotency",
    }


@pytest.mark.parametrize("room", ["rotation", "testing"])
def test_what_no_attached_function_uses_stays_at_home(layer: Path, room: str) -> None:
    assert not (layer / "python" / "lambda_idempotency" / room).exists()
    assert (layer / "python" / "lambda_idempotency" / "contract").exists()


def test_every_other_module_of_the_runtime_is_in_the_layer_unchanged(layer: Path) -> None:
    sources = ROOT / "runtime" / "lambda_idempotency"
    expected = {
        str(path.relative_to(sources)): path.read_bytes()
        for path in sources.rglob("*.py")
        if path.relative_to(sources).parts[0] not in {"rotation", "testing"}
    }
    shipped = layer / "python" / "lambda_idempotency"
    assert {
        str(path.relative_to(shipped)): path.read_bytes() for path in shipped.rglob("*.py")
    } == expected


def test_every_source_file_has_its_byte_code(layer: Path) -> None:
    sources = list(layer.rglob("*.py"))
    assert sources
    for source in sources:
        name = f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        assert (source.parent / "__pycache__" / name).is_file(), source.name


def test_byte_code_needs_no_check_of_its_source(layer: Path) -> None:
    for compiled in layer.rglob("*.pyc"):
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, compiled.name  # hash-based, unchecked (PEP 552)


def test_byte_code_names_files_where_lambda_has_them(layer: Path) -> None:
    for compiled in layer.rglob("*.pyc"):
        content = compiled.read_bytes()
        assert str(layer).encode() not in content
        assert b"/opt/python/" in content


def test_a_second_synthesis_elsewhere_makes_the_same_bytes(layer: Path, tmp_path: Path) -> None:
    again = _synthesized(tmp_path)
    assert _content(again) == _content(layer)
    assert again.name == layer.name


def test_byte_code_has_neither_docstrings_nor_columns(layer: Path) -> None:
    for compiled in layer.rglob("*.pyc"):
        code: CodeType = marshal.loads(compiled.read_bytes()[16:])
        source = compiled.parent.parent / f"{compiled.name.partition('.')[0]}.py"
        assert ast.get_docstring(ast.parse(source.read_bytes()), clean=False) not in {
            constant for constant in code.co_consts if isinstance(constant, str)
        }
        assert {column for *_, column in code.co_positions()} == {None}, compiled.name


def test_the_layer_alone_runs_a_handler(layer: Path, tmp_path: Path) -> None:
    handler = tmp_path / "index.py"
    handler.write_text(
        "import lambda_idempotency\n"
        "@lambda_idempotency.idempotent(key='id')\n"
        "def handler(event, context): return lambda_idempotency.__file__\n"
        "print(handler({'id': 1}, None))\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", str(handler)],  # -S: no site-packages, as on Lambda
        env={**os.environ, "PYTHONPATH": str(layer / "python"), "IDEMPOTENCY_STORE": "memory"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith(str(layer))


def test_a_layer_is_for_one_runtime() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(function(scope, "One", runtime=lambda_.Runtime.PYTHON_3_12))
    idempotency.attach(function(scope, "Two", runtime=lambda_.Runtime.PYTHON_3_13))
    found = template(scope).find_resources(LAYER).values()
    runtimes = sorted(each["Properties"]["CompatibleRuntimes"] for each in found)
    assert runtimes == [["python3.12"], ["python3.13"]]


def test_two_constructs_in_a_stack_share_the_layer() -> None:
    scope = stack()
    Idempotency(scope, "A").attach(function(scope, "One"))
    Idempotency(scope, "B").attach(function(scope, "Two"))
    template(scope).resource_count_is(LAYER, 1)


def test_a_changed_runtime_makes_another_layer_and_another_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def logical_ids() -> tuple[str, str]:
        scope = stack(app())
        payments = function(scope)
        Idempotency(scope, "Idempotency").attach(payments)
        payments.current_version  # noqa: B018 - reading it creates the version
        found = template(scope)
        [layer_id] = found.find_resources(LAYER)
        [version] = found.find_resources("AWS::Lambda::Version")
        return layer_id, version

    before = logical_ids()
    assert logical_ids() == before
    files: Any = module._read
    monkeypatch.setattr(module, "_read", lambda *of: {**files(*of), "python/extra.py": b""})
    after = logical_ids()
    assert after[0] != before[0]
    assert after[1] != before[1]
