"""What an `Idempotency` has made or was given, for the rest of the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_

from .attachments import Attachments
from .monitoring.metrics import IdempotencyMetrics
from .stores.base import BoundStore

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_elasticache as elasticache
    from aws_cdk import aws_secretsmanager as secretsmanager


class IdempotencyHandles(IdempotencyMetrics):
    """The handles of an `Idempotency`."""

    _store: BoundStore
    _attachments: Attachments

    @property
    def namespaces(self) -> dict[str, str]:
        """The namespace of each attached function, by its construct path."""
        return {path: attached.namespace for path, attached in self._attachments.functions.items()}

    @property
    def table(self) -> dynamodb.ITable | None:
        """The table with the records; None where they are in Redis."""
        return self._store.table

    @property
    def settings_parameter(self) -> str | None:
        """The name of the SSM parameter with the Redis server's settings; None on DynamoDB."""
        return self._store.settings().get("parameter")

    @property
    def secret(self) -> secretsmanager.ISecret | None:
        """The secret with the Redis user's name and password; None where there is none."""
        return None if self._store.server is None else self._store.server.secret

    @property
    def cache(self) -> elasticache.CfnServerlessCache | None:
        """The cache of `elasticache_serverless`; None elsewhere."""
        return None if self._store.server is None else self._store.server.cache

    @property
    def security_group(self) -> ec2.ISecurityGroup | None:
        """The security group of a cache in a VPC; None elsewhere."""
        return None if self._store.server is None else self._store.server.security_group

    @property
    def rotation_function(self) -> lambda_.Function | None:
        """The function that rotates the password; None where there is none."""
        server = self._store.server
        return None if server is None or server.rotation is None else server.rotation.function
