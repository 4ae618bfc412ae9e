"""What CloudFormation will be told of a resource."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnResource, TreeInspector
from aws_cdk import aws_lambda as lambda_


def properties_of(resource: CfnResource) -> dict[str, Any]:
    """The resource's properties by their CDK names, with unresolved tokens in them."""
    # Not the properties themselves: the Python binding makes an empty struct of a lazy value.
    inspector = TreeInspector()
    resource.inspect(inspector)  # type: ignore[attr-defined]  # every generated resource has it
    properties: dict[str, Any] = inspector.attributes["aws:cdk:cloudformation:props"]
    return properties


def owned(path: str) -> str:
    """The path of the construct that somebody wrote, from that of its resource."""
    return path.removesuffix("/Resource")


def is_known(value: Any) -> bool:
    """Whether there is nothing in a resolved value that only the deployment knows."""
    if isinstance(value, dict):
        return all(
            name != "Ref" and not name.startswith("Fn::") and is_known(item)
            for name, item in value.items()
        )
    return not isinstance(value, list) or all(is_known(item) for item in value)


def resource_of(function: lambda_.Function) -> lambda_.CfnFunction:
    """The function's resource."""
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    return resource
