"""A runtime that the layer does not support is an error."""

from __future__ import annotations

from aws_cdk import CfnParameter

from kit.changed import changed
from kit.checks import findings, problems
from kit.synth import stack


def test_another_runtime_is_an_error() -> None:
    [finding] = findings(changed(stack(), runtime="python3.10"), "runtime")
    assert finding.severity == "error"
    assert finding.construct.node.path == "Stack/Payments"
    assert "the function runs on python3.10, " in finding.message


def test_another_python_that_is_supported_is_in_order() -> None:
    assert problems(changed(stack(), runtime="python3.11")) == {}


def test_a_runtime_that_only_the_deployment_knows_is_passed() -> None:
    scope = stack()
    runtime = CfnParameter(scope, "Runtime").value_as_string
    assert problems(changed(scope, runtime=runtime)) == {}
