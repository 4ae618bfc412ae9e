"""Files of the function's code that hide the layer's package are refused."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from cdk_idempotency.functions.code import PACKAGE
from kit.synth import function, stack, template


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(message))


def _code(directory: Path, *files: str) -> lambda_.Code:
    for name in ("index.py", *files):
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text("def handler(event, context): return event\n")
    return lambda_.Code.from_asset(str(directory))


@pytest.mark.parametrize("file", ["lambda_idempotency.py", "lambda_idempotency/__init__.py"])
@pytest.mark.parametrize("wrap_handler", [False, True])
def test_a_file_that_hides_the_package_is_named(
    tmp_path: Path, file: str, *, wrap_handler: bool
) -> None:
    scope = stack()
    payments = function(scope, code=_code(tmp_path, file))
    with _refused(f"[Stack/Payments] its code has a file {file}, which hides the layer's package"):
        Idempotency(scope, "Idempotency").attach(payments, wrap_handler=wrap_handler)


def test_a_file_in_an_archive_is_named_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("index.py", "")
        archive.writestr("lambda_idempotency.py", "")
    scope = stack()
    code = lambda_.Code.from_asset(str(tmp_path / "code.zip"))
    with _refused("[Stack/Payments] its code has a file lambda_idempotency.py"):
        Idempotency(scope, "Idempotency").attach(function(scope, code=code))


@pytest.mark.parametrize("file", ["idempotency.py", "lambda_idempotency_test.py", "tests/x.py"])
def test_other_files_are_fine(tmp_path: Path, file: str) -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope, code=_code(tmp_path, file)))
    template(scope).resource_count_is("AWS::Lambda::LayerVersion", 1)


def test_the_package_that_must_not_be_hidden_is_the_wrappers() -> None:
    assert PACKAGE == "lambda_idempotency"
