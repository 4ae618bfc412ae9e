"""The timeout and the namespace of a function whose options name no lease and no namespace."""

from __future__ import annotations

from typing import Final

from aws_cdk import Stack, Token
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct
from lambda_idempotency.contract.settings import ConfigurationError, check_namespace

from ..errors import ConstructError

TIMEOUT: Final = 3
"""Timeout of a function that sets none, in seconds
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html)."""


def timeout_of(function: lambda_.Function) -> float:
    """Return the function's timeout in seconds, from which the lease follows."""
    timeout = function.timeout
    if timeout is None:
        return TIMEOUT
    if timeout.is_unresolved():
        raise ConstructError(
            function,
            "its timeout is a CDK token, so the lease is not known at synth; pass lease=... to "
            "attach(), not less than the timeout",
        )
    return timeout.to_seconds(integral=False)


def default_namespace(function: lambda_.Function) -> str:
    """Return the function's construct path relative to its stack."""
    depth = len(Stack.of(function).node.scopes)
    return "/".join(scope.node.id for scope in function.node.scopes[depth:])


def checked_namespace(scope: IConstruct, namespace: str) -> str:
    """Return the namespace. Raise ConstructError unless IAM can fence records under it."""
    if Token.is_unresolved(namespace):
        raise ConstructError(
            scope, "namespace is a CDK token; it is part of a policy: pass a text known at synth"
        )
    try:
        check_namespace(namespace)
    except ConfigurationError as error:
        raise ConstructError(scope, f"{error}; pass namespace=... to attach()") from None
    return namespace
