"""Rotation of a Redis user's password: the function that Secrets Manager calls, and its schedule.

CDK's own `RotationSchedule` admits Secrets Manager of any account, and adds a policy to the secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct, IConstruct
from lambda_idempotency.rotation.settings import HANDLER, RotationSettings, StrategyName

from ..acknowledgements import acknowledge_role
from ..errors import refusal
from ..functions.attachable import RUNTIMES
from ..functions.layer import layer_in
from ..grants import allow, elasticache_arn, policy_arn, read_parameter, read_secret

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager

    from ..stores.settings_parameter import SettingsParameter

DAYS: Final = 30
SHORTEST: Final = 4
LONGEST: Final = 1000 * 24
"""Hours (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html)."""


@dataclass(frozen=True, kw_only=True)
class RedisRotation:
    """Renews a password by a schedule, and no call fails: until all have the new one, the old one
    is valid too. Immutable; made by its static methods."""

    strategy: StrategyName
    admin: secretsmanager.ISecret | None
    user_id: str | None
    every: Duration | None
    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    security_groups: Sequence[ec2.ISecurityGroup] | None

    @staticmethod
    def acl(
        *,
        admin: secretsmanager.ISecret,
        every: Duration | None = None,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
    ) -> RedisRotation:
        """By `ACL SETUSER` on every node of the server.

        `admin`: the secret of a user who may do that, as `{"username": ..., "password": ...}`.
        `every`: the time between rotations, in whole hours, from 4 hours to 1000 days. Default:
        30 days. The first one comes after that time, not with the deployment.
        `vpc`: where the rotation function runs, with a route to the server, Secrets Manager and
        SSM. Default: in no VPC.
        `vpc_subnets`: Default: the VPC's private ones.
        `security_groups`: those that the server admits. Default: a new one.
        """
        return RedisRotation(
            strategy="acl",
            admin=admin,
            user_id=None,
            every=every,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
        )

    @staticmethod
    def elasticache(
        *,
        user_id: str | None = None,
        every: Duration | None = None,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
    ) -> RedisRotation:
        """By ElastiCache's API, whose users `ACL SETUSER` cannot change.

        `user_id`: the id of the user. `elasticache_serverless` knows it; `redis` needs it.
        The others are as for `acl`; `elasticache_serverless` runs the function in its own VPC.
        """
        return RedisRotation(
            strategy="elasticache",
            admin=None,
            user_id=user_id,
            every=every,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
        )

    @property
    def services(self) -> tuple[str, ...]:
        """The AWS services that the rotation function asks."""
        more = ("elasticache",) if self.strategy == "elasticache" else ()
        return ("ssm", "secretsmanager", *more)


@dataclass(frozen=True, kw_only=True)
class RotationTarget:
    """What is rotated."""

    secret: secretsmanager.ISecret
    user: str
    user_id: str | None
    parameter: SettingsParameter


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """A rotation that exists in the app."""

    props: RedisRotation
    function: lambda_.Function


def add_rotation(
    scope: Construct, rotation: RedisRotation, target: RotationTarget, *needed: IConstruct
) -> Rotation:
    """Rotates the target by a schedule that starts when `needed` exist. Raises ValueError saying
    what to do."""
    schedule = _schedule(scope, rotation.every)
    function = _function(scope, rotation, _settings(scope, rotation, target))
    _grant(scope, function, rotation, target)
    _call(scope, function, target.secret, schedule, needed)
    return Rotation(props=rotation, function=function)


def _settings(
    scope: Construct, rotation: RedisRotation, target: RotationTarget
) -> RotationSettings:
    arn = target.secret.secret_full_arn
    admin = rotation.admin
    if arn is None:
        raise refusal(
            scope,
            "a rotation needs the secret's whole ARN; import it with "
            "Secret.from_secret_complete_arn()",
        )
    if admin is not None and admin.secret_arn == target.secret.secret_arn:
        raise refusal(
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
        parameter=target.parameter.name,
        admin=admin_id,
        user_id=target.user_id,
    )


def _function(
    scope: Construct, rotation: RedisRotation, settings: RotationSettings
) -> lambda_.Function:
    if rotation.vpc is None and (rotation.vpc_subnets or rotation.security_groups):
        raise refusal(
            scope, "vpc is missing; vpc_subnets and security_groups of a rotation are for its vpc"
        )
    groups = rotation.security_groups
    function = lambda_.Function(
        scope,
        "Rotation",
        description="cdk-idempotency: rotates the password of a Redis user",
        runtime=RUNTIMES[-1],  # it runs so seldom that byte code is not worth an older one
        handler=HANDLER,
        code=lambda_.Code.from_inline("# The code is in the layer.\n"),
        layers=[layer_in(Stack.of(scope), ("redis",))],
        environment=settings.to_environment(),
        timeout=Duration.minutes(5),
        memory_size=256,
        vpc=rotation.vpc,
        vpc_subnets=rotation.vpc_subnets,
        security_groups=None if groups is None else list(groups),
    )
    acknowledge_role(function)
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
        on=[policy_arn(secret)],
    )
    if secret.encryption_key is not None:
        secret.encryption_key.grant(function, "kms:Decrypt", "kms:GenerateDataKey")
    read_parameter(function, target.parameter.arn)
    if rotation.admin is not None:
        read_secret(function, rotation.admin)
    if target.user_id is not None:
        arn = elasticache_arn(scope, "user", target.user_id)
        allow(function, "elasticache:DescribeUsers", "elasticache:ModifyUser", on=[arn])


def _call(
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
    # Secrets Manager tries the function at once, so that its rights and its way must exist.
    schedule.node.add_dependency(function, *needed)


def _schedule(scope: IConstruct, every: Duration | None) -> str:
    if every is None:
        return f"rate({DAYS} days)"
    if not isinstance(every, Duration):
        raise refusal(scope, f"every is {every!r}; expected a Duration")
    if every.is_unresolved():
        raise refusal(scope, "every is a CDK token; pass a Duration whose length is known at synth")
    hours = every.to_hours(integral=False)
    if hours != int(hours) or not SHORTEST <= hours <= LONGEST:
        raise refusal(
            scope, f"every is {every.to_human_string()}; expected whole hours, 4 hours to 1000 days"
        )
    count, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"rate({int(count)} {unit}{'' if count == 1 else 's'})"
