"""Records in a DynamoDB table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from constructs import Construct
from lambda_idempotency.contract.names import PARTITION_KEY, TTL_ATTRIBUTE

from ..accepted import KEY, check_attribute, check_type
from ..errors import ConstructError
from ..monitoring.base import PERIOD, AlarmSpec, StoreMonitoring, graph
from .base import BoundStore, Server

KEY_ACTIONS: Final = (
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""Actions of DynamoDB with a customer key, for readers and writers
(https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html)."""


@dataclass(frozen=True, kw_only=True)
class DynamoDB:
    """A table that exists, or the options of a new one."""

    table: dynamodb.ITable | None
    encryption_key: kms.IKey | None
    removal_policy: RemovalPolicy

    def bind(self, scope: Construct) -> BoundStore:
        """Return the table, which is created where there is none."""
        accepted = "a Table or TableV2, or an imported one"
        check_attribute(scope, "table", self.table, "table_name", accepted)
        check_attribute(scope, "encryption_key", self.encryption_key, "key_arn", KEY)
        check_type(scope, "removal_policy", self.removal_policy, RemovalPolicy, "a RemovalPolicy")
        if self.table is None:
            return _BoundTable(self._create(scope))
        if self.encryption_key is not None:
            raise ConstructError(
                scope,
                "encryption_key is for a new table; an existing one is granted with its own key "
                "(for an imported table: Table.from_table_attributes(encryption_key=...))",
            )
        return _BoundTable(self.table)

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
class _BoundTable:
    table: dynamodb.ITable

    @property
    def server(self) -> Server | None:
        return None

    @property
    def services(self) -> tuple[str, ...]:
        return ("dynamodb",)

    def settings(self) -> dict[str, str]:
        return {"table": self.table.table_name, "url_suffix": Aws.URL_SUFFIX}

    def connect(self, function: lambda_.Function) -> None:
        """Do nothing: a table is reached from wherever DynamoDB is."""

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> iam.Grant:
        fence = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{namespace}#*"]}}
        grant = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"],
            resource_arns=[self._arn(grantee)],
            conditions=None if namespace is None else fence,
        )
        key = self.table.encryption_key
        return grant if key is None else grant.combine(key.grant(grantee, *KEY_ACTIONS))

    def monitoring(self) -> StoreMonitoring:
        def own(name: str) -> cloudwatch.Metric:
            return self.table.metric(name, statistic="Sum", period=PERIOD)

        reads, writes = own("ReadThrottleEvents"), own("WriteThrottleEvents")
        return StoreMonitoring(
            name=self.table.table_name,
            graphs=(
                graph("Table: throttles", reads, writes),
                graph(
                    "Table: units",
                    own("ConsumedWriteCapacityUnits"),
                    own("ConsumedReadCapacityUnits"),
                ),
                graph(
                    "Table: refused conditions, deletions by TTL",
                    own("ConditionalCheckFailedRequests"),
                    own("TimeToLiveDeletedItemCount"),
                ),
            ),
            alarm_specs=(_throttled("Reads", reads), _throttled("Writes", writes)),
        )

    def _arn(self, grantee: iam.IGrantable) -> str:
        """Return the table's ARN; across stacks it is made from the name, the one value that must
        cross."""
        created = isinstance(self.table, dynamodb.Table | dynamodb.TableV2)
        if created and _stack(grantee.grant_principal) not in (None, _stack(self.table)):
            return Stack.of(self.table).format_arn(
                service="dynamodb", resource="table", resource_name=self.table.table_name
            )
        return self.table.table_arn


def _throttled(what: str, metric: cloudwatch.Metric) -> AlarmSpec:
    """Return the alarm of one kind of requests. CloudWatch has no metric of both, and a sum in an
    alarm has no value where one of them has none."""
    return AlarmSpec(
        name=f"Throttled{what}",
        metric=metric,
        meaning=f"DynamoDB throttles {what.lower()} of the records' table: requests wait, and fail "
        "when their time ends.",
        first_step="Check whether one key or the whole table is hot.",
        urgency="ticket",
        section="Throttled",
    )


def _stack(thing: Any) -> str | None:
    """Return the path of a construct's stack; None for a principal that is not a construct."""
    return Stack.of(thing).node.path if Construct.is_construct(thing) else None
