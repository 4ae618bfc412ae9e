"""The functions that can carry the layer and its settings."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from aws_cdk import Stack, Tokenization
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct

from ..accepted import check_attribute, refused
from ..errors import ConstructError
from ..inspection import Inspector

RUNTIMES: Final = (
    lambda_.Runtime.PYTHON_3_11,
    lambda_.Runtime.PYTHON_3_12,
    lambda_.Runtime.PYTHON_3_13,
    lambda_.Runtime.PYTHON_3_14,
)
"""The runtimes on which the layer is tested."""

SUPPORTED: Final = tuple(f"python3.{minor}" for minor in range(11, 15))
"""Their names."""


_FUNCTION: Final = "a lambda_.Function of this app"
_EDGE: Final = "edgelambda.amazonaws.com"

AT_THE_EDGE: Final = (
    "Lambda@Edge takes neither layers nor environment variables, so nothing can protect it there: "
    "make the function behind the origin idempotent. To remove the variables (removeInEdge), as "
    "the CDK advises, would remove the protection"
)


@dataclass(frozen=True, kw_only=True)
class Attachable:
    """A function that can be attached, looked at once: each look is a round trip to Node."""

    function: lambda_.Function
    resource: lambda_.CfnFunction
    path: str
    stack: Stack
    properties: dict[str, Any]
    """The properties of its resource by their CDK names, with unresolved tokens in them."""
    is_image: bool
    """True for a container image, which has no layers."""

    @property
    def runtime(self) -> str:
        """The name of its runtime."""
        return str(self.properties["runtime"])

    @property
    def architecture(self) -> str:
        """The name of its instruction set."""
        [name] = self.properties.get("architectures") or ["x86_64"]
        return str(name)


def is_older(runtime: str) -> bool:
    """Tell whether a runtime is too old for the layer, or no Python. One that is newer than those
    that are known here may do."""
    minor = re.fullmatch(r"python3\.(\d+)", runtime)
    return minor is None or int(minor[1]) < 11


def check_attachable(
    scope: IConstruct, function: lambda_.IFunction, inspector: Inspector
) -> Attachable:
    """Return the function as a class that can be changed. Raise ConstructError where it cannot,
    saying what to do; about `scope` where it is no construct."""
    if isinstance(function, lambda_.CfnFunction):
        raise ConstructError(
            function,
            "a CfnFunction is a bare resource, which can be given nothing; attach the "
            "lambda_.Function that made it, or define it as one",
        )
    if function is None:
        raise refused(scope, "function", function, _FUNCTION)
    check_attribute(scope, "function", function, "function_arn", _FUNCTION)
    if isinstance(function, lambda_.SingletonFunction):
        function = _made_by(function)
    if is_at_the_edge(function):
        raise ConstructError(function, AT_THE_EDGE)
    if isinstance(function, lambda_.Alias | lambda_.Version):
        raise ConstructError(
            function,
            "an alias or version cannot be changed; attach the function that it points to, and "
            "create the version afterwards or with function.current_version",
        )
    if not isinstance(function, lambda_.Function):
        raise ConstructError(
            function,
            "an imported function cannot be changed from this app; attach it where it is defined",
        )
    node = function.node
    resource = node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    properties = inspector.properties_of(resource)
    is_image = properties.get("packageType") == "Image"
    if not is_image and is_older(runtime := str(properties.get("runtime"))):
        raise ConstructError(
            function, f"its runtime is {runtime}; the layer supports {', '.join(SUPPORTED)}"
        )
    return Attachable(
        function=function,
        resource=resource,
        path=node.path,
        stack=function.stack,
        properties=properties,
        is_image=is_image,
    )


def is_at_the_edge(function: lambda_.IFunction) -> bool:
    """Tell whether CloudFront runs it: an EdgeFunction, or one whose role CloudFront may take."""
    if type(function).__name__ == "EdgeFunction":  # its module is large, and few apps have one
        return True
    if "aws_cdk.aws_cloudfront" not in sys.modules:
        return False  # the app has no distribution
    policy = getattr(function.role, "assume_role_policy", None)
    return policy is not None and _EDGE in str(policy.to_json())


def _made_by(singleton: lambda_.SingletonFunction) -> lambda_.IFunction:
    """Return the one function that all singletons of its UUID stand for."""
    for token in Tokenization.reverse_string(singleton.function_arn).tokens:
        target = getattr(token, "target", None)
        if isinstance(target, lambda_.CfnFunction) and isinstance(
            owner := target.node.scope, lambda_.Function
        ):
            return owner
    return singleton


def can_be_attached(construct: IConstruct) -> TypeGuard[lambda_.Function]:
    """Tell whether a construct is a Python function of this app, and none that the CDK has for its
    own custom resources."""
    return (
        isinstance(construct, lambda_.Function)
        and not isinstance(construct, lambda_.DockerImageFunction)
        and not is_older(construct.runtime.name)
        and not is_at_the_edge(construct)
        and "Custom::" not in construct.node.path
    )
