"""Layers and runtimes, where the function's resource is changed after it was attached."""

from __future__ import annotations

import pytest
from aws_cdk import Annotations, CfnParameter, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations as Messages
from aws_cdk.assertions import Match

from cdk_idempotency import Idempotency
from cdk_idempotency.functions.attachable import RUNTIMES
from cdk_idempotency.functions.layer import bytecode_runtime
from cdk_idempotency.inspection import resource_of
from kit.synth import function, stack, template

OTHER = next(each for each in reversed(RUNTIMES) if each.name != bytecode_runtime())
LAYERS = [f"arn:aws:lambda:us-east-1:111111111111:layer:telemetry:{n}" for n in range(1, 7)]


def _attached(scope: Stack, runtime: str | None = None) -> lambda_.CfnFunction:
    """A function, whose runtime is changed afterwards."""
    attached = function(scope, runtime=OTHER)
    Idempotency(scope, "Idempotency").attach(attached)
    resource = resource_of(attached)
    if runtime is not None:
        resource.runtime = runtime
    return resource


def _infos(scope: Stack) -> list[str]:
    found = Messages.from_stack(scope).find_info("*", Match.any_value())
    return [str(entry.entry.data) for entry in found]


# Layers -------------------------------------------------------------------------------------------


def test_six_layers_are_an_error() -> None:
    scope = stack()
    _attached(scope).layers = LAYERS
    with pytest.raises(
        Exception,
        match=r"(?s)Stack/Payments: the function has 6 layers.*\[cdk-idempotency:layers\]",
    ):
        template(scope)


def test_five_layers_are_in_order() -> None:
    scope = stack()
    _attached(scope).layers = LAYERS[:5]
    template(scope).resource_count_is("AWS::Lambda::Function", 1)


def test_layers_that_are_known_at_deployment_only_are_passed() -> None:
    scope = stack()
    _attached(scope).layers = CfnParameter(scope, "Layers", type="CommaDelimitedList").value_as_list
    template(scope).resource_count_is("AWS::Lambda::Function", 1)


# Runtimes -----------------------------------------------------------------------------------------


def test_another_runtime_is_an_error() -> None:
    scope = stack()
    _attached(scope, "python3.10")
    expected = r"(?s)Stack/Payments: the function runs on python3.10, .*\[cdk-idempotency:runtime\]"
    with pytest.raises(Exception, match=expected):
        template(scope)


def test_another_python_that_is_supported_is_in_order() -> None:
    scope = stack()
    _attached(scope, "python3.11")
    template(scope).resource_count_is("AWS::Lambda::Function", 1)


def test_a_runtime_that_is_known_at_deployment_only_is_passed() -> None:
    scope = stack()
    _attached(scope, CfnParameter(scope, "Runtime").value_as_string)
    assert _infos(scope) == []


# Byte code ----------------------------------------------------------------------------------------


def test_byte_code_of_another_python_is_noted() -> None:
    scope = stack()
    _attached(scope)
    [info] = _infos(scope)
    assert f"compiled for {bytecode_runtime()} and this function runs on {OTHER.name}" in info
    assert "[ack: cdk-idempotency:byte-code]" in info


def test_byte_code_of_the_functions_python_is_in_order() -> None:
    scope = stack()
    _attached(scope, bytecode_runtime())
    assert _infos(scope) == []


def test_an_info_can_be_acknowledged() -> None:
    scope = stack()
    _attached(scope)
    Annotations.of(scope).acknowledge_info("cdk-idempotency:byte-code", "a slow start is fine")
    assert _infos(scope) == []
