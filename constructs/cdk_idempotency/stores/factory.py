"""Where records live: values that say what to provision, bound by `Idempotency`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct

if TYPE_CHECKING:
    from aws_cdk import Size
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_elasticache as elasticache
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_ssm as ssm

    from lambda_idempotency.redis_document import RedisSettings

    from ..monitoring.base import StoreMonitoring
    from ..rotation.function import Rotation
    from .credentials import RedisCredentials


@dataclass(frozen=True, kw_only=True)
class Server:
    """A Redis server, as far as the app knows it."""

    settings: RedisSettings | None
    """None: they are in a parameter that exists."""
    secret: secretsmanager.ISecret | None
    """Its user's name and password."""
    rotation: Rotation | None
    cache: elasticache.CfnServerlessCache | None = None
    """Where it is a new one."""
    vpc: ec2.IVpc | None = None
    """Where a new cache is, which can add endpoints to it."""


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
        """The AWS services that functions ask, by the last part of their endpoints' names."""
        ...

    @property
    def libraries(self) -> tuple[str, ...]:
        """The distributions that the runtime needs for it."""
        ...

    def settings(self) -> dict[str, str]:
        """The contract's settings that lead the runtime to it."""
        ...

    def connect(self, function: lambda_.Function) -> None:
        """Opens the way to it for a function. Raises ValueError where there can be none."""
        ...

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> iam.Grant:
        """Lets the grantee use it, within a namespace or (None) in all of them."""
        ...

    def monitoring(self) -> StoreMonitoring:
        """How it is watched."""
        ...


class IdempotencyStore(ABC):
    """What to keep records in. Immutable; made by its static methods."""

    @staticmethod
    def dynamodb(
        *,
        table: dynamodb.ITable | None = None,
        encryption_key: kms.IKey | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> IdempotencyStore:
        """A DynamoDB table.

        `table`: one that exists, with the string partition key `id`, no sort key, and TTL on
        `expiration`. Default: a new one, on demand, with point-in-time recovery.
        `encryption_key`: encrypts the new table. Default: DynamoDB's own key.
        `removal_policy`: RETAIN (default) also protects the new table against deletion; DESTROY
        makes it a throw-away.
        """
        from .dynamodb import DynamoDB

        return DynamoDB(table=table, encryption_key=encryption_key, removal_policy=removal_policy)

    @staticmethod
    def redis(
        *,
        credentials: RedisCredentials,
        host: str | None = None,
        port: int | str = 6379,
        tls: bool = True,
        cluster: bool = False,
        database: int = 0,
        ca: str | None = None,
        parameter: ssm.IStringParameter | str | None = None,
    ) -> IdempotencyStore:
        """A Redis or Valkey server that exists.

        `credentials`: how functions authenticate, and so what they may read.
        `host`, `port`: where it listens; they may be CDK tokens. Default port: 6379.
        `tls`: whether it speaks TLS. Default: True.
        `cluster`: whether it speaks the cluster protocol. Default: False, a single server.
        `database`: its number on a single server. Default: 0.
        `ca`: PEM text of the certificates to trust. Default: those of the system.
        `parameter`: an SSM parameter, or its name, that has all these settings already; none of
        them is given then. Default: a new one, an advanced one (which costs) only for a long `ca`.

        The server must not evict records (`maxmemory-policy noeviction`), and a function in a VPC
        must have a route to it. docs/redis.md has the rights that its user needs.
        """
        from .redis import RedisServer

        return RedisServer(
            credentials=credentials,
            host=host,
            port=port,
            tls=tls,
            cluster=cluster,
            database=database,
            ca=ca,
            parameter=parameter,
        )

    @staticmethod
    def elasticache_serverless(
        *,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        vpc_endpoints: bool = False,
        credentials: RedisCredentials | None = None,
        encryption_key: kms.IKey | None = None,
        data_storage_maximum: Size | None = None,
    ) -> IdempotencyStore:
        """A new ElastiCache Serverless cache for Valkey, with a user of its own who may keep the
        attached functions' records and do nothing else; there is no other user.

        `vpc`: where the cache is; only attached functions reach it, and they must be in that VPC.
        Default: none, a public endpoint, for which credentials must be `RedisCredentials.iam()`.
        `vpc_subnets`: the cache's subnets. Default: the VPC's private ones.
        `vpc_endpoints`: adds to the VPC, and for all that is in it, the interface endpoints that
        functions without a route to AWS need: SSM, for a secret Secrets Manager, and for its
        rotation ElastiCache. Those that the VPC construct has are used. Default: False, a warning.
        `credentials`: `RedisCredentials.iam()` or `.secret()`. Default: `RedisCredentials.iam()`.
        `encryption_key`: encrypts the cache. Default: ElastiCache's own key.
        `data_storage_maximum`: at which the cache evicts records, so that their requests run
        again. Default: no maximum, nothing is evicted.

        The cache is deleted with its stack. Its name is fixed: what replaces it (another `vpc`,
        `vpc_subnets` or `encryption_key`) needs another construct id.
        """
        from .credentials import RedisCredentials
        from .elasticache import ServerlessCache

        return ServerlessCache(
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            vpc_endpoints=vpc_endpoints,
            credentials=RedisCredentials.iam() if credentials is None else credentials,
            encryption_key=encryption_key,
            data_storage_maximum=data_storage_maximum,
        )

    @abstractmethod
    def bind(self, scope: Construct) -> BoundStore:
        """Provisions the store under `scope`."""
