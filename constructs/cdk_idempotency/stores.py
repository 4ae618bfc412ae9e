"""Where records live: values that say what to provision, bound by `Idempotency`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from constructs import Construct
from lambda_idempotency.contract import PARTITION_KEY, TTL_ATTRIBUTE

from .errors import refusal


class BoundStore(Protocol):
    """A store that exists in the app."""

    def settings(self) -> dict[str, str]:
        """The contract's settings that lead the runtime to it."""
        ...

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> iam.Grant:
        """Lets the grantee use it, within a namespace or (None) in all of them."""
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
        return _DynamoDB(table=table, encryption_key=encryption_key, removal_policy=removal_policy)

    @abstractmethod
    def bind(self, scope: Construct) -> BoundStore:
        """Provisions the store under `scope`."""


@dataclass(frozen=True, kw_only=True)
class _DynamoDB(IdempotencyStore):
    table: dynamodb.ITable | None
    encryption_key: kms.IKey | None
    removal_policy: RemovalPolicy

    def bind(self, scope: Construct) -> BoundStore:
        if self.table is None:
            return _Table(self._create(scope))
        if self.encryption_key is not None:
            raise refusal(
                scope,
                "encryption_key is for a new table; an existing one is granted with its own key "
                "(for an imported table: Table.from_table_attributes(encryption_key=...))",
            )
        return _Table(self.table)

    def _create(self, scope: Construct) -> dynamodb.Table:
        customer_key = self.encryption_key is not None
        return dynamodb.Table(
            scope,
            "Table",
            partition_key=dynamodb.Attribute(
                name=PARTITION_KEY, type=dynamodb.AttributeType.STRING
            ),
            time_to_live_attribute=TTL_ATTRIBUTE,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if customer_key else None,
            encryption_key=self.encryption_key,
            deletion_protection=self.removal_policy != RemovalPolicy.DESTROY,
            removal_policy=self.removal_policy,
        )


@dataclass(frozen=True)
class _Table:
    table: dynamodb.ITable

    def settings(self) -> dict[str, str]:
        return {"table": self.table.table_name, "url_suffix": Aws.URL_SUFFIX}

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> iam.Grant:
        fence = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{namespace}#*"]}}
        grant = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"],
            resource_arns=[self._arn(grantee)],
            conditions=None if namespace is None else fence,
        )
        key = self.table.encryption_key
        return grant if key is None else grant.combine(key.grant_encrypt_decrypt(grantee))

    def _arn(self, grantee: iam.IGrantable) -> str:
        """The table's ARN; across stacks made from its name, the one value that has to cross."""
        created = isinstance(self.table, dynamodb.Table | dynamodb.TableV2)
        if created and _stack(grantee.grant_principal) not in (None, _stack(self.table)):
            return Stack.of(self.table).format_arn(
                service="dynamodb", resource="table", resource_name=self.table.table_name
            )
        return self.table.table_arn


def _stack(thing: Any) -> str | None:
    """The path of the stack that a construct is in; None for a principal that is no construct."""
    return Stack.of(thing).node.path if Construct.is_construct(thing) else None
