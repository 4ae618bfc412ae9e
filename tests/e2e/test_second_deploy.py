"""A changed layer reaches functions in every stack, with an ordinary second deployment."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from kit.aws.deployed import Deployed
from kit.aws.local import ROOT, LocalAws

pytestmark = pytest.mark.xdist_group("deployed")

APP = """
import sys
sys.path.insert(0, {runtime!r})
from aws_cdk import App, CfnOutput, Stack, aws_lambda as lambda_
from cdk_idempotency import Idempotency

app = App()
home, away = Stack(app, "SecondHome"), Stack(app, "SecondAway")
idempotency = Idempotency(home, "Idempotency", key="id")
for stack in (home, away):
    function = lambda_.Function(
        stack,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline(
            "import lambda_idempotency\\n"
            "@lambda_idempotency.idempotent\\n"
            "def handler(event, context): return lambda_idempotency.DEPLOYED\\n"
        ),
    )
    idempotency.attach(function, namespace=stack.stack_name)
    CfnOutput(stack, stack.stack_name + "Name", value=function.function_name)
app.synth()
"""


def _deploy(aws: LocalAws, directory: Path, number: str) -> Deployed:
    """Deploy with a runtime package that knows which deployment it came with."""
    runtime = directory / "runtime"
    shutil.copytree(ROOT / "runtime", runtime, ignore=shutil.ignore_patterns("__pycache__"))
    package = runtime / "lambda_idempotency" / "__init__.py"
    package.write_text(f"{package.read_text()}\nDEPLOYED = {number!r}\n")
    app = directory / "app.py"
    app.write_text(APP.format(runtime=str(runtime)))
    outputs = aws.deploy(app=f"{sys.executable} {app}", output=directory)
    return Deployed(aws, {**outputs["SecondHome"], **outputs["SecondAway"]})


def test_a_second_deploy_replaces_the_layer_in_every_stack(
    guarded_aws: LocalAws, tmp_path: Path
) -> None:
    for number in ("first", "second"):
        directory = tmp_path / number
        directory.mkdir()
        deployed = _deploy(guarded_aws, directory, number)
        for stack in ("SecondHome", "SecondAway"):
            assert deployed.invoke(stack, {"id": f"{stack} {number}"}).payload == number
