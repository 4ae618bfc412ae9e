"""More layers than Lambda allows are an error."""

from __future__ import annotations

from aws_cdk import CfnParameter

from kit.changed import changed
from kit.checks import findings, problems
from kit.synth import stack

LAYERS = [f"arn:aws:lambda:us-east-1:111111111111:layer:telemetry:{n}" for n in range(1, 7)]


def test_six_layers_are_an_error() -> None:
    [finding] = findings(changed(stack(), layers=LAYERS), "layers")
    assert finding.severity == "error"
    assert finding.construct.node.path == "Stack/Payments"
    assert "the function has 6 layers" in finding.message


def test_five_layers_are_in_order() -> None:
    assert problems(changed(stack(), layers=LAYERS[:5])) == {}


def test_layers_that_only_the_deployment_knows_are_passed() -> None:
    scope = stack()
    layers = CfnParameter(scope, "Layers", type="CommaDelimitedList").value_as_list
    assert problems(changed(scope, layers=layers)) == {}
