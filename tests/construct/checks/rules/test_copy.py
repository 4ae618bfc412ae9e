"""A copy of the layer's package in the function's code is reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import aws_lambda as lambda_

from kit.checks import attached, findings
from kit.synth import function, stack


@pytest.mark.parametrize(
    ("files", "found"),
    [(["lambda_idempotency/__init__.py", "lambda_idempotency/wrap.py"], 1), ([], 0)],
)
def test_a_copy_of_the_package_is_reported(tmp_path: Path, files: list[str], found: int) -> None:
    for name in ("index.py", *files):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("def handler(event, context): return event\n")
    code = lambda_.Code.from_asset(str(tmp_path))
    reported = findings(attached(function(stack(), code=code)), "copy")
    assert len(reported) == found
    for finding in reported:
        assert finding.construct.node.path == "Stack/Payments"
        assert "its own copy of lambda_idempotency" in finding.message
