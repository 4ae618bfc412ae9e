"""A layer without byte code for its function's Python is noted."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter

from cdk_idempotency.functions import contents
from kit.changed import HERE, OTHER, changed
from kit.checks import findings
from kit.synth import stack

RULE = "byte-code"


def test_a_python_that_is_not_here_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_python", lambda runtime: None)
    [finding] = findings(changed(stack()), RULE)
    assert finding.severity == "info"
    assert f"has no byte code for {HERE.name}" in finding.message
    assert f"Put {HERE.name} on the PATH" in finding.message


def test_a_runtime_that_was_changed_afterwards_is_noted() -> None:
    [finding] = findings(changed(stack(), runtime=OTHER), RULE)
    assert f"has no byte code for {OTHER}" in finding.message


def test_byte_code_of_the_functions_python_is_in_order() -> None:
    assert findings(changed(stack()), RULE) == []


def test_a_runtime_that_only_the_deployment_knows_is_passed() -> None:
    scope = stack()
    runtime = CfnParameter(scope, "Runtime").value_as_string
    assert findings(changed(scope, runtime=runtime), RULE) == []
