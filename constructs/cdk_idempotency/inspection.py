"""The properties of a resource, as its template will have them."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnResource, TreeInspector
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct


class Inspector:
    """A way to look at resources. Each call of the CDK is a round trip to Node, so that one object
    looks at all of them."""

    def __init__(self) -> None:
        self._inspector = TreeInspector()

    def properties_of(self, resource: CfnResource) -> dict[str, Any]:
        """Return the resource's properties by their CDK names, with unresolved tokens in them."""
        # Not the properties themselves: the Python binding makes an empty struct of a lazy value.
        resource.inspect(self._inspector)  # type: ignore[attr-defined]  # every one has it
        properties: dict[str, Any] = self._inspector.attributes["aws:cdk:cloudformation:props"]
        return properties


def identity(construct: IConstruct) -> str:
    """Return what tells a construct from others, without a round trip to Node. Some constructs are
    another Python object each time they are asked for."""
    reference: str = construct.__jsii_ref__.ref  # type: ignore[attr-defined]  # every one has it
    return reference


def is_token(text: str) -> bool:
    """Tell whether a text has a CDK token in it, without a round trip to Node
    (https://docs.aws.amazon.com/cdk/v2/guide/tokens.html)."""
    return "${Token[" in text


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
