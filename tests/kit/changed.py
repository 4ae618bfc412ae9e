"""An attached function whose resource is changed afterwards."""

from __future__ import annotations

import sys
from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from cdk_idempotency.functions.attachable import RUNTIMES
from cdk_idempotency.inspection import resource_of
from kit.checks import attached
from kit.synth import function

HERE: Final = next(each for each in RUNTIMES if each.name == f"python3.{sys.version_info.minor}")
"""The runtime for which this Python makes byte code."""

OTHER: Final = "python3.12" if HERE.name != "python3.12" else "python3.13"
"""Another one."""


def changed(
    scope: Stack, *, runtime: str | None = None, layers: list[str] | None = None
) -> Idempotency:
    """Return an `Idempotency` with a function whose resource has these properties changed."""
    payments = function(scope, runtime=HERE)
    idempotency = attached(payments)
    resource: lambda_.CfnFunction = resource_of(payments)
    if runtime is not None:
        resource.runtime = runtime
    if layers is not None:
        resource.layers = layers
    return idempotency
