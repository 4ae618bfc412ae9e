"""The properties of a resource, as its template will have them."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnResource, TreeInspector
from aws_cdk import aws_lambda as lambda_


def properties_of(resource: CfnResource) -> dict[str, Any]:
    """Return the resource's properties by their CDK names, with unresolved tokens in them."""
    # Not the properties themselves: the Python binding makes an empty struct of a lazy value.
    inspector = TreeInspector()
    resource.inspect(inspector)  # type: ignore[attr-defined]  # every generated resource has it
    properties: dict[str, Any] = inspector.attributes["aws:cdk:cloudformation:props"]
    return properties


def owner_path(path: str) -> str:
    """Return the path of the construct in the user's code, from that of its resource."""
    return path.removesuffix("/Resource")


def is_known(value: Any) -> bool:
    """Return true if a resolved value holds nothing that only the deployment knows."""
    if isinstance(value, dict):
        return all(
            name != "Ref" and not name.startswith("Fn::") and is_known(item)
            for name, item in value.items()
        )
    return not isinstance(value, list) or all(is_known(item) for item in value)


def resource_of(function: lambda_.Function) -> lambda_.CfnFunction:
    """Return the function's resource."""
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    return resource
