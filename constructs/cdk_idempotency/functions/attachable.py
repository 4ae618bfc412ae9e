"""Which functions can carry the layer and its settings."""

from __future__ import annotations

from typing import Final

from aws_cdk import Stack, Token
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct
from lambda_idempotency.contract import ConfigurationError, check_namespace

from ..errors import refusal

RUNTIMES: Final = (
    lambda_.Runtime.PYTHON_3_11,
    lambda_.Runtime.PYTHON_3_12,
    lambda_.Runtime.PYTHON_3_13,
    lambda_.Runtime.PYTHON_3_14,
)


TIMEOUT: Final = 3
"""Seconds, of a function that names none (https://docs.aws.amazon.com/lambda/latest/dg/
configuration-timeout.html)."""


def check_attachable(function: lambda_.IFunction) -> lambda_.Function:
    """The function, with the members that `attach` needs. Raises ValueError saying what to do."""
    if isinstance(function, lambda_.Alias | lambda_.Version):
        raise refusal(
            function,
            "an alias or version cannot be changed; attach the function that it points to, and "
            "create the version afterwards or with function.current_version",
        )
    if isinstance(function, lambda_.DockerImageFunction) or _runtime(function) == "FROM_IMAGE":
        raise refusal(
            function,
            "a container image cannot have layers; install cdk-idempotency in the image, call "
            "grant_use(function, namespace=...) and set IDEMPOTENCY_NAMESPACE and "
            "IDEMPOTENCY_TABLE (for Redis: IDEMPOTENCY_STORE=redis and IDEMPOTENCY_PARAMETER) in "
            "its environment",
        )
    if not isinstance(function, lambda_.Function):
        raise refusal(
            function,
            "an imported function cannot be changed from this app; attach it where it is defined",
        )
    if _runtime(function) not in {runtime.name for runtime in RUNTIMES}:
        raise refusal(
            function,
            f"its runtime is {_runtime(function)}; the layer supports "
            f"{', '.join(runtime.name for runtime in RUNTIMES)}",
        )
    return function


def lease_of(function: lambda_.Function) -> float:
    """The function's timeout in seconds: by then an attempt has ended, one way or the other."""
    timeout = function.timeout
    if timeout is None:
        return TIMEOUT
    if timeout.is_unresolved():
        raise refusal(
            function,
            "its timeout is a CDK token, so the lease is not known at synth; pass lease=... to "
            "attach(), not less than the timeout",
        )
    return timeout.to_seconds(integral=False)


def namespace_of(function: lambda_.Function) -> str:
    """The function's construct path relative to its stack."""
    depth = len(Stack.of(function).node.scopes)
    namespace = "/".join(scope.node.id for scope in function.node.scopes[depth:])
    return checked_namespace(function, namespace)


def checked_namespace(function: IConstruct, namespace: str) -> str:
    """The namespace, if records can be kept and fenced under it."""
    if Token.is_unresolved(namespace):
        raise refusal(
            function, "namespace is a CDK token; it is part of a policy: pass a text known at synth"
        )
    try:
        check_namespace(namespace)
    except ConfigurationError as error:
        raise refusal(function, f"{error}; pass namespace=... to attach()") from None
    return namespace


def _runtime(function: lambda_.IFunction) -> str:
    runtime = getattr(function, "runtime", None)
    return runtime.name if isinstance(runtime, lambda_.Runtime) else ""
