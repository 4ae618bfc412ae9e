"""The function's handler, which the layer's wrapper can stand in for."""

from __future__ import annotations

from aws_cdk import Token
from aws_cdk import aws_lambda as lambda_

from lambda_idempotency.contract.settings import WRAPPER

from ..errors import ConstructError
from ..inspection import resource_of


def own_handler(function: lambda_.Function) -> str:
    """Return the function's handler. Raise ConstructError where it cannot be wrapped."""
    handler = resource_of(function).handler
    if handler is None or Token.is_unresolved(handler):
        raise ConstructError(
            function,
            "its handler is a CDK token, so it cannot be wrapped; pass a text known at synth, or "
            "decorate the handler with @idempotent",
        )
    return handler


def redirect_to_wrapper(function: lambda_.Function) -> None:
    """Put the wrapper in the place of the function's handler."""
    resource_of(function).handler = WRAPPER
