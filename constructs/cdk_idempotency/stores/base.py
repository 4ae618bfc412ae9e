"""The types that all stores have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_elasticache as elasticache
    from aws_cdk import aws_secretsmanager as secretsmanager

    from lambda_idempotency.contract.redis import RedisSettings

    from ..monitoring.base import StoreMonitoring
    from ..rotation.function import Rotation


@dataclass(frozen=True, kw_only=True)
class Server:
    """A Redis server, as far as the app knows it."""

    settings: RedisSettings | None
    """None: they are in a parameter that exists."""
    secret: secretsmanager.ISecret | None
    """Its user's name and password."""
    rotation: Rotation | None
    cache: elasticache.CfnServerlessCache | None = None
    """The cache, where it is a new one."""
    vpc: ec2.IVpc | None = None
    """The VPC of a new cache, which can add endpoints to it."""
    security_group: ec2.ISecurityGroup | None = None
    """The security group of a new cache in a VPC."""


class StoreDefinition(Protocol):
    """A store that is not made yet."""

    def bind(self, scope: Construct) -> BoundStore:
        """Provision the store under `scope`. Raise ConstructError saying what to do."""
        ...


class BoundStore(Protocol):
    """A store that exists in the app."""

    @property
    def table(self) -> dynamodb.ITable | None:
        """The table, where records are in one."""
        ...

    @property
    def server(self) -> Server | None:
        """The Redis server, where records are in one."""
        ...

    @property
    def services(self) -> tuple[str, ...]:
        """The AWS services that functions call, by the last part of their endpoints' names."""
        ...

    def settings(self) -> dict[str, str]:
        """Return the contract's settings that lead the runtime to it."""
        ...

    def connect(self, function: lambda_.Function) -> None:
        """Let a function reach it. Raise ConstructError where it cannot."""
        ...

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> list[iam.Grant]:
        """Allow the grantee to use it, within a namespace or (None) in all of them."""
        ...

    def monitoring(self) -> StoreMonitoring:
        """Return its name in metrics, and what it adds to dashboard and alarms."""
        ...
