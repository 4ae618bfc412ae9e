"""`RedisRotation`: the way to renew a Redis user's password, and the interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict, Unpack

from lambda_idempotency.contract.rotation import StrategyName

if TYPE_CHECKING:
    from aws_cdk import Duration
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_sqs as sqs


class RotationFunctionOptions(TypedDict, total=False):
    """Options of the rotation function, as `aws_lambda.Function` takes them. Default: the CDK's."""

    log_group: logs.ILogGroup
    tracing: lambda_.Tracing
    dead_letter_queue: sqs.IQueue
    reserved_concurrent_executions: int
    environment_encryption: kms.IKey


@dataclass(frozen=True, kw_only=True)
class RedisRotation:
    """Renewal of a password on a schedule. No call fails: the old password stays valid until all
    have the new one. Immutable; made by its static methods."""

    strategy: StrategyName
    admin: secretsmanager.ISecret | None
    user_id: str | None
    every: Duration | None
    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    security_groups: Sequence[ec2.ISecurityGroup] | None
    function: RotationFunctionOptions = field(default_factory=RotationFunctionOptions, hash=False)

    @staticmethod
    def acl(
        *,
        admin: secretsmanager.ISecret,
        every: Duration | None = None,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        **function: Unpack[RotationFunctionOptions],
    ) -> RedisRotation:
        """Rotate by `ACL SETUSER` on every node of the server.

        `admin`: the secret of a user who may do that, as `{"username": ..., "password": ...}`.
        `every`: the time between rotations, in whole hours, from 4 hours to 1000 days. Default:
        30 days. The first one comes after that time, not with the deployment.
        `vpc`: where the rotation function runs, with a route to the server, Secrets Manager and
        SSM. Default: in no VPC.
        `vpc_subnets`: Default: the VPC's private ones.
        `security_groups`: those that the server admits. Default: a new one.
        The other props are those of `RotationFunctionOptions`.
        """
        return RedisRotation(
            strategy="acl",
            admin=admin,
            user_id=None,
            every=every,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
            function=function,
        )

    @staticmethod
    def elasticache(
        *,
        user_id: str | None = None,
        every: Duration | None = None,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        **function: Unpack[RotationFunctionOptions],
    ) -> RedisRotation:
        """Rotate by ElastiCache's API, whose users `ACL SETUSER` cannot change.

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
            function=function,
        )

    @property
    def services(self) -> tuple[str, ...]:
        """The AWS services that the rotation function calls."""
        more = ("elasticache",) if self.strategy == "elasticache" else ()
        return ("ssm", "secretsmanager", *more)
