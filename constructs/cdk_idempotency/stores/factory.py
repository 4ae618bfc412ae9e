"""`IdempotencyStore`: the description of a store, before `Idempotency` provisions it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy

from constructs import Construct

from .base import BoundStore, StoreDefinition

if TYPE_CHECKING:
    from aws_cdk import Size
    from aws_cdk import aws_backup as backup
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_ssm as ssm

    from .credentials import RedisCredentials


@dataclass(frozen=True)
class IdempotencyStore:
    """A place for records. Immutable; made by its static methods."""

    _definition: StoreDefinition

    @staticmethod
    def dynamodb(
        *,
        table: dynamodb.ITable | None = None,
        encryption_key: kms.IKey | None = None,
        backup_plan: backup.IBackupPlan | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> IdempotencyStore:
        """Keep records in a DynamoDB table.

        `table`: one that exists, with the string partition key `id`, no sort key, and TTL on
        `expiration`. Default: a new one, on demand, with point-in-time recovery.
        `encryption_key`: encrypts the new table. Default: DynamoDB's own key.
        `backup_plan`: a plan of AWS Backup that the new table is added to. Default: none.
        `removal_policy`: RETAIN (default) also protects the new table against deletion; DESTROY
        deletes it with its stack. `RemovalPolicies` of the app or a stack count too.
        """
        from .dynamodb import DynamoDB

        return IdempotencyStore(
            DynamoDB(
                table=table,
                encryption_key=encryption_key,
                backup_plan=backup_plan,
                removal_policy=removal_policy,
            )
        )

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
        """Keep records in a Redis or Valkey server that exists.

        `credentials`: how functions authenticate, and therefore what they may read.
        `host`, `port`: where it listens; they may be CDK tokens. Default port: 6379.
        `tls`: whether it speaks TLS. Default: True.
        `cluster`: whether it speaks the cluster protocol. Default: False, a single server.
        `database`: its number on a single server. Default: 0.
        `ca`: PEM text of the certificates to trust. Default: those of the system.
        `parameter`: an SSM parameter, or its name, that has all these settings already; then pass
        none of them. Default: a new one, an advanced one (which costs) only for a long `ca`.

        The server must not evict records (`maxmemory-policy noeviction`), and a function in a VPC
        must have a route to it. docs/redis.md has the rights that its user needs.
        """
        from .redis import RedisServer

        return IdempotencyStore(
            RedisServer(
                credentials=credentials,
                host=host,
                port=port,
                tls=tls,
                cluster=cluster,
                database=database,
                ca=ca,
                parameter=parameter,
            )
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
        """Keep records in a new ElastiCache Serverless cache for Valkey. Its one user may keep the
        attached functions' records and do nothing else.

        `vpc`: where the cache is; only attached functions reach it, and they must be in that VPC.
        Default: none, a public endpoint, for which credentials must be `RedisCredentials.iam()`.
        `vpc_subnets`: the cache's subnets. Default: the VPC's private ones.
        `vpc_endpoints`: adds to the VPC, and for all that is in it, the interface endpoints that
        functions without a route to AWS need: SSM, for a secret Secrets Manager, and for its
        rotation ElastiCache. Those that the VPC construct has are used. Default: False, a warning.
        `credentials`: `RedisCredentials.iam()` or `.secret()`. Default: `RedisCredentials.iam()`.
        `encryption_key`: encrypts the cache. Default: ElastiCache's own key.
        `data_storage_maximum`: the size at which the cache evicts records, so that their requests
        run again. Default: no maximum, nothing is evicted.

        The cache is deleted with its stack. Its name is fixed: a change that replaces it (another
        `vpc`, `vpc_subnets` or `encryption_key`) needs another construct id.
        """
        from .credentials import RedisCredentials
        from .elasticache import ServerlessCache

        return IdempotencyStore(
            ServerlessCache(
                vpc=vpc,
                vpc_subnets=vpc_subnets,
                vpc_endpoints=vpc_endpoints,
                credentials=RedisCredentials.iam() if credentials is None else credentials,
                encryption_key=encryption_key,
                data_storage_maximum=data_storage_maximum,
            )
        )

    def bind(self, scope: Construct) -> BoundStore:
        """Provision the store under `scope`."""
        return self._definition.bind(scope)
