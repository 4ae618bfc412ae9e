"""What functions of SAM, Serverless or Terraform need, in SSM parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct

from .errors import ConstructError

if TYPE_CHECKING:
    from aws_cdk import aws_ssm as ssm


def policy_for(scope: Construct, namespace: str) -> iam.ManagedPolicy:
    """Return an empty policy for users of a namespace."""
    return iam.ManagedPolicy(
        scope, "Policy", description=f"cdk-idempotency: the records of {namespace}"
    )


def export(
    scope: Construct,
    path: str,
    layer: lambda_.ILayerVersion,
    policy: iam.IManagedPolicy,
    environment: dict[str, str],
) -> dict[str, ssm.StringParameter]:
    """Return a parameter below `path` for the layer's ARN, the policy's, and each variable."""
    from aws_cdk import aws_ssm as ssm

    if not path.startswith("/") or path.endswith("/"):
        raise ConstructError(scope, f"path is {path!r}; expected the form /team/idempotency")
    values = {"layer": layer.layer_version_arn, "policy": policy.managed_policy_arn, **environment}
    return {
        name: ssm.StringParameter(
            scope,
            name,
            parameter_name=f"{path}/{name}",
            string_value=value,
            description="cdk-idempotency: for functions that another tool deploys",
        )
        for name, value in values.items()
    }
