"""What CloudFormation will be told of a function."""

from __future__ import annotations

from typing import Any

from aws_cdk import TreeInspector
from aws_cdk import aws_lambda as lambda_


def properties_of(function: lambda_.Function) -> dict[str, Any]:
    """The function's properties, with unresolved tokens in them."""
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    # Not the properties themselves: the Python binding makes an empty struct of a lazy value.
    inspector = TreeInspector()
    resource.inspect(inspector)
    properties: dict[str, Any] = inspector.attributes["aws:cdk:cloudformation:props"]
    return properties
