"""The functions that can carry the layer and its settings."""

from __future__ import annotations

import sys
from typing import Final

from aws_cdk import Tokenization
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct

from ..accepted import check_attribute, refused
from ..errors import ConstructError

RUNTIMES: Final = (
    lambda_.Runtime.PYTHON_3_11,
    lambda_.Runtime.PYTHON_3_12,
    lambda_.Runtime.PYTHON_3_13,
    lambda_.Runtime.PYTHON_3_14,
)


_FUNCTION: Final = "a lambda_.Function of this app"
_EDGE: Final = "edgelambda.amazonaws.com"

AT_THE_EDGE: Final = (
    "Lambda@Edge takes neither layers nor environment variables, so nothing can protect it there: "
    "make the function behind the origin idempotent. To remove the variables (removeInEdge), as "
    "the CDK advises, would remove the protection"
)


def check_attachable(scope: IConstruct, function: lambda_.IFunction) -> lambda_.Function:
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
    if isinstance(function, lambda_.DockerImageFunction) or _runtime(function) == "FROM_IMAGE":
        raise ConstructError(
            function,
            "a container image cannot have layers; install cdk-idempotency in the image, call "
            "grant_use(function, namespace=...) and set IDEMPOTENCY_NAMESPACE and "
            "IDEMPOTENCY_TABLE (for Redis: IDEMPOTENCY_STORE=redis and IDEMPOTENCY_PARAMETER) in "
            "its environment",
        )
    if not isinstance(function, lambda_.Function):
        raise ConstructError(
            function,
            "an imported function cannot be changed from this app; attach it where it is defined",
        )
    if _runtime(function) not in {runtime.name for runtime in RUNTIMES}:
        raise ConstructError(
            function,
            f"its runtime is {_runtime(function)}; the layer supports "
            f"{', '.join(runtime.name for runtime in RUNTIMES)}",
        )
    return function


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


def _runtime(function: lambda_.IFunction) -> str:
    runtime = getattr(function, "runtime", None)
    return runtime.name if isinstance(runtime, lambda_.Runtime) else ""
