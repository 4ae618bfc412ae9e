"""An attached function whose resource is changed afterwards."""

from __future__ import annotations

from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from cdk_idempotency.functions.attachable import RUNTIMES
from cdk_idempotency.functions.layer import bytecode_runtime
from cdk_idempotency.inspection import resource_of
from kit.checks import attached
from kit.synth import function

OTHER: Final = next(each for each in reversed(RUNTIMES) if each.name != bytecode_runtime())
"""A runtime that the layer's byte code does not fit."""


def changed(
    scope: Stack, *, runtime: str | None = None, layers: list[str] | None = None
) -> Idempotency:
    """Return an `Idempotency` with a function, of whose resource these are changed."""
    payments = function(scope, runtime=OTHER)
    idempotency = attached(payments)
    resource: lambda_.CfnFunction = resource_of(payments)
    if runtime is not None:
        resource.runtime = runtime
    if layers is not None:
        resource.layers = layers
    return idempotency
