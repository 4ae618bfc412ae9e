"""Durable functions: how long an execution may hold a key, and the right to ask about others."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from ..acknowledgments import acknowledge_wildcard
from ..errors import ConstructError
from .attachable import Attachable

_POLICY: Final = "IdempotencyDurableExecutions"


def execution_timeout_of(function: Attachable) -> float | None:
    """Return the execution timeout of a durable function in seconds; None for an ordinary one."""
    config = function.properties.get("durableConfig")
    if config is None:
        return None
    timeout = config.get("executionTimeout") if isinstance(config, dict) else None
    if not isinstance(timeout, int | float) or timeout < 0:  # the CDK's number tokens are negative
        raise ConstructError(
            function.function,
            "its durable configuration is a CDK token, so how long an execution may hold a key is "
            "not known at synth; give durable_config an execution_timeout that is",
        )
    return float(timeout)


def grant_liveness(function: lambda_.Function) -> None:
    """Let a durable function ask what has become of its executions. Lambda authorizes that against
    the ARN of the execution, which begins with a version's
    (https://docs.aws.amazon.com/lambda/latest/dg/durable-security.html)."""
    if function.role is None:
        return
    executions = f"{function.function_arn}:*"
    # A policy of its own: the role's default one comes before the function, whose ARN this one has.
    policy = iam.Policy(
        function,
        _POLICY,
        roles=[function.role],
        statements=[
            iam.PolicyStatement(actions=["lambda:GetDurableExecution"], resources=[executions])
        ],
    )
    acknowledge_wildcard(policy, executions, "An execution's ARN begins with that of its version")
