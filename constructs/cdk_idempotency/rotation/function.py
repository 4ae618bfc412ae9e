"""The rotation function, which Secrets Manager calls on a schedule.

CDK's own `RotationSchedule` admits Secrets Manager of any account, and adds a policy to the secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct, IConstruct
from lambda_idempotency.contract.rotation import HANDLER, RotationSettings

from ..accepted import check_attribute
from ..acknowledgments import acknowledge_in_packs, acknowledge_role
from ..errors import ConstructError
from ..functions.attachable import RUNTIMES
from ..functions.layer import layer_for
from ..grants import (
    allow,
    elasticache_arn,
    give,
    secret_policy_arn,
    to_read_parameter,
    to_read_secret,
)
from .redis_rotation import RedisRotation
from .schedule import schedule_expression

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager


@dataclass(frozen=True, kw_only=True)
class RotationTarget:
    """The password to rotate: its secret, its user, and where the server's settings are."""

    secret: secretsmanager.ISecret
    user: str
    user_id: str | None
    parameter_name: str
    parameter_arn: str


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """A rotation that exists in the app."""

    props: RedisRotation
    function: lambda_.Function


def add_rotation(
    scope: Construct, rotation: RedisRotation, target: RotationTarget, *needed: IConstruct
) -> Rotation:
    """Rotate the target on a schedule that starts when `needed` exist. Raise ConstructError saying
    what to do."""
    schedule = schedule_expression(scope, rotation.every)
    accepted = "a Secret, or an imported one"
    check_attribute(scope, "admin", rotation.admin, "secret_full_arn", accepted)
    check_attribute(scope, "vpc", rotation.vpc, "vpc_id", "a Vpc, or an imported one")
    function = _function(scope, rotation, _settings(scope, rotation, target))
    _grant(scope, function, rotation, target)
    _add_schedule(scope, function, target.secret, schedule, needed)
    return Rotation(props=rotation, function=function)


def _settings(
    scope: Construct, rotation: RedisRotation, target: RotationTarget
) -> RotationSettings:
    arn = target.secret.secret_full_arn
    admin = rotation.admin
    if arn is None:
        raise ConstructError(
            scope,
            "a rotation needs the secret's whole ARN; import it with "
            "Secret.from_secret_complete_arn()",
        )
    if admin is not None and admin.secret_arn == target.secret.secret_arn:
        raise ConstructError(
            scope,
            "admin has the user's own secret, and a user cannot rotate its own password; pass the "
            "secret of another administrator",
        )
    if admin is None:
        admin_id = None
    elif admin.secret_full_arn is None:
        admin_id = admin.secret_name
    else:
        admin_id = admin.secret_full_arn
    return RotationSettings(
        strategy=rotation.strategy,
        secret=arn,
        user=target.user,
        parameter=target.parameter_name,
        admin=admin_id,
        user_id=target.user_id,
    )


def _function(
    scope: Construct, rotation: RedisRotation, settings: RotationSettings
) -> lambda_.Function:
    if rotation.vpc is None and (rotation.vpc_subnets or rotation.security_groups):
        raise ConstructError(
            scope, "vpc is missing; vpc_subnets and security_groups of a rotation are for its vpc"
        )
    groups = rotation.security_groups
    # It runs too seldom for byte code, of which another Python that synthesizes may have none.
    layer = layer_for(
        Stack.of(scope), RUNTIMES[-1], ("redis",), packages=("rotation",), compiled=False
    )
    function = lambda_.Function(
        scope,
        "Rotation",
        description="cdk-idempotency: rotates the password of a Redis user",
        runtime=RUNTIMES[-1],
        handler=HANDLER,
        code=lambda_.Code.from_inline("# The code is in the layer.\n"),
        layers=[layer.version],
        environment=settings.to_environment(),
        timeout=Duration.minutes(5),
        memory_size=256,
        vpc=rotation.vpc,
        vpc_subnets=rotation.vpc_subnets,
        security_groups=None if groups is None else list(groups),
        **rotation.function,
    )
    acknowledge_role(function)
    reason = "Its policy is for its own role alone, and is deleted with it"
    acknowledge_in_packs(function, "IAMNoInlinePolicy", reason)
    return function


def _grant(
    scope: Construct, function: lambda_.Function, rotation: RedisRotation, target: RotationTarget
) -> None:
    secret = target.secret
    allow(
        function,
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
        on=[secret_policy_arn(secret)],
    )
    if secret.encryption_key is not None:
        secret.encryption_key.grant(function, "kms:Decrypt", "kms:GenerateDataKey")
    give(function, [to_read_parameter(target.parameter_arn)])
    if rotation.admin is not None:
        give(function, [to_read_secret(rotation.admin)], rotation.admin.encryption_key)
    if target.user_id is not None:
        arn = elasticache_arn(scope, "user", target.user_id)
        allow(function, "elasticache:DescribeUsers", "elasticache:ModifyUser", on=[arn])


def _add_schedule(
    scope: Construct,
    function: lambda_.Function,
    secret: secretsmanager.ISecret,
    expression: str,
    needed: tuple[IConstruct, ...],
) -> None:
    from aws_cdk import aws_secretsmanager as secretsmanager

    function.add_permission(
        "SecretsManager",
        principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"),
        source_account=Stack.of(scope).account,
    )
    schedule = secretsmanager.CfnRotationSchedule(
        scope,
        "RotationSchedule",
        secret_id=secret.secret_arn,
        rotation_lambda_arn=function.function_arn,
        rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
            schedule_expression=expression
        ),
        rotate_immediately_on_update=False,
    )
    # Secrets Manager tries the function at once, so its rights and its route must exist.
    schedule.node.add_dependency(function, *needed)
