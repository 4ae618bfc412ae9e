"""The functions that can carry the layer and its settings."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_lambda as lambda_

from ..errors import ConstructError

RUNTIMES: Final = (
    lambda_.Runtime.PYTHON_3_11,
    lambda_.Runtime.PYTHON_3_12,
    lambda_.Runtime.PYTHON_3_13,
    lambda_.Runtime.PYTHON_3_14,
)


def check_attachable(function: lambda_.IFunction) -> lambda_.Function:
    """Return the function as the class that can be changed. Raise ConstructError where there is
    none, saying what to do."""
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


def _runtime(function: lambda_.IFunction) -> str:
    runtime = getattr(function, "runtime", None)
    return runtime.name if isinstance(runtime, lambda_.Runtime) else ""
