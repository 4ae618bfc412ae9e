"""Byte code of another Python than the function's is noted."""

from __future__ import annotations

from aws_cdk import CfnParameter

from cdk_idempotency.functions.layer import bytecode_runtime
from kit.changed import OTHER, changed
from kit.checks import findings
from kit.synth import stack

RULE = "byte-code"


def test_byte_code_of_another_python_is_noted() -> None:
    [finding] = findings(changed(stack()), RULE)
    assert finding.severity == "info"
    assert f"compiled for {bytecode_runtime()} and this function runs on {OTHER.name}" in (
        finding.message
    )


def test_byte_code_of_the_functions_python_is_in_order() -> None:
    assert findings(changed(stack(), runtime=bytecode_runtime()), RULE) == []


def test_a_runtime_that_only_the_deployment_knows_is_passed() -> None:
    scope = stack()
    runtime = CfnParameter(scope, "Runtime").value_as_string
    assert findings(changed(scope, runtime=runtime), RULE) == []
