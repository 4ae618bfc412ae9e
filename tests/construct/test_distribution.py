"""The project as a user meets it: from the root, and from a wheel installed elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from kit.aws.local import ROOT

APP = """
from aws_cdk import App, Stack, aws_lambda as lambda_
import sys
import cdk_idempotency, lambda_idempotency
assert "ELSEWHERE" in cdk_idempotency.__file__ and "ELSEWHERE" in lambda_idempotency.__file__
app = App(outdir="out")
stack = Stack(app, "Stack")
code = lambda_.Code.from_inline("def handler(event, context): ...")
runtime = lambda_.Runtime.PYTHON_3_13
function = lambda_.Function(stack, "F", code=code, runtime=runtime, handler="index.handler")
cdk_idempotency.Idempotency(stack, "Idempotency").attach(function)
app.synth()
print(*sys.modules)
"""

HANDLER = """
from lambda_idempotency import MemoryStore, idempotent
@idempotent(store=MemoryStore(), key="id")
def handler(event, context):
    return event["id"]
assert handler({"id": 1}, None) == handler({"id": 1}, None) == 1
"""


def _python(*arguments: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        # The CDK's own rules take seconds to load; test_outside_rules.py applies them all.
        env={**os.environ, "CDK_VALIDATION": "false", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_shadows_the_constructs_library() -> None:
    assert not (ROOT / "constructs" / "__init__.py").exists()


def test_app_py_synthesizes_from_the_root(tmp_path: Path) -> None:
    _python("app.py", cwd=ROOT, CDK_OUTDIR=str(tmp_path), PYTHONPATH="")
    template = json.loads((tmp_path / "Payments.template.json").read_text())
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    assert kinds.count("AWS::Lambda::LayerVersion") == 1


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built wheel, unpacked by pip into a directory of its own."""
    target = tmp_path_factory.mktemp("ELSEWHERE")
    _python(
        *("-m", "pip", "--disable-pip-version-check", "--quiet"),
        *("install", "--no-deps", "--no-build-isolation", "--target", str(target), str(ROOT)),
        cwd=target,
    )
    return target


def test_the_wheel_holds_the_packages_and_the_command_alone(installed: Path) -> None:
    tops = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == {"bin", "cdk_idempotency", "cdk_idempotency_cli", "lambda_idempotency"}
    assert [path.name for path in (installed / "bin").iterdir()] == ["cdk-idempotency"]


def test_the_command_of_the_wheel_runs(installed: Path, tmp_path: Path) -> None:
    command = str(installed / "bin" / "cdk-idempotency")
    assert "Find, watch and repair" in _python(
        command, "--help", cwd=tmp_path, PYTHONPATH=str(installed)
    )


def test_the_command_without_its_libraries_says_what_to_install(
    installed: Path, tmp_path: Path
) -> None:
    start = (
        "import sys; sys.modules['click'] = None; sys.argv = ['cdk-idempotency']\n"
        "from cdk_idempotency_cli.entry import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end)"
    )
    said = _python("-c", start, cwd=tmp_path, PYTHONPATH=str(installed))
    assert "pip install 'cdk-idempotency[cli]'" in said


def test_the_wheel_holds_the_contract_of_stores(installed: Path) -> None:
    assert (installed / "lambda_idempotency" / "testing" / "store_contract.py").is_file()


def test_the_wheel_says_that_it_is_typed(installed: Path) -> None:
    assert (installed / "lambda_idempotency" / "py.typed").is_file()
    assert (installed / "cdk_idempotency" / "py.typed").is_file()


class Synthesized(NamedTuple):
    """The output of an app with the installed wheel, and the modules that it loaded."""

    output: Path
    modules: set[str]


@pytest.fixture(scope="module")
def synthesized(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    home = tmp_path_factory.mktemp("app")
    (home / "app.py").write_text(APP)
    modules = _python("app.py", cwd=home, PYTHONPATH=str(installed))
    return Synthesized(home / "out", set(modules.split()))


def test_the_installed_wheel_synthesizes_a_working_layer(
    synthesized: Synthesized, tmp_path: Path
) -> None:
    layers = synthesized.output.glob("asset.*")
    [layer] = [path for path in layers if (path / "python").is_dir()]
    (tmp_path / "handler.py").write_text(HANDLER)
    _python("-S", "handler.py", cwd=tmp_path, PYTHONPATH=str(layer / "python"))


def test_an_app_without_redis_loads_no_module_of_it(synthesized: Synthesized) -> None:
    cdk = {name.partition(".")[2] for name in synthesized.modules if name.startswith("aws_cdk.")}
    assert cdk & {"aws_elasticache", "aws_secretsmanager", "aws_ssm"} == set()
    assert "aws_lambda" in cdk
    assert synthesized.modules & {"redis", "boto3"} == set()
