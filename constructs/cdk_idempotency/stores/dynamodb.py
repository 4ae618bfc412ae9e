"""Records in a DynamoDB table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jsii
from aws_cdk import Aws, CfnDeletionPolicy, IStableAnyProducer, Lazy, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from constructs import Construct
from lambda_idempotency.contract.names import PARTITION_KEY, TTL_ATTRIBUTE

from ..accepted import KEY, check_attribute, check_type
from ..errors import ConstructError
from ..grants import allow
from ..monitoring.base import PERIOD, AlarmSpec, StoreMonitoring, graph
from .base import BoundStore, Server

if TYPE_CHECKING:
    from aws_cdk import aws_backup as backup

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
    backup_plan: backup.IBackupPlan | None
    removal_policy: RemovalPolicy

    def bind(self, scope: Construct) -> BoundStore:
        """Return the table, which is created where there is none."""
        accepted = "a Table or TableV2, or an imported one"
        check_attribute(scope, "table", self.table, "table_name", accepted)
        check_attribute(scope, "encryption_key", self.encryption_key, "key_arn", KEY)
        check_type(scope, "removal_policy", self.removal_policy, RemovalPolicy, "a RemovalPolicy")
        if self.table is None:
            return _BoundTable.of(self._create(scope))
        if self.backup_plan is not None:
            raise ConstructError(
                scope, "backup_plan is for a new table; add an existing one to its plan yourself"
            )
        if self.encryption_key is not None:
            raise ConstructError(
                scope,
                "encryption_key is for a new table; an existing one is granted with its own key "
                "(for an imported table: Table.from_table_attributes(encryption_key=...))",
            )
        return _BoundTable.of(self.table)

    def _create(self, scope: Construct) -> dynamodb.Table:
        customer_key = self.encryption_key is not None
        table = dynamodb.Table(
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
            removal_policy=self.removal_policy,
        )
        resource = table.node.default_child
        assert isinstance(resource, dynamodb.CfnTable)
        resource.deletion_protection_enabled = Lazy.any(_IsKept(resource))
        if self.backup_plan is not None:
            _back_up(scope, table, self.backup_plan)
        return table


def _back_up(scope: Construct, table: dynamodb.Table, plan: backup.IBackupPlan) -> None:
    from aws_cdk import aws_backup as backup

    backup.BackupSelection(
        scope,
        "Backup",
        backup_plan=plan,
        resources=[backup.BackupResource.from_dynamo_db_table(table)],
    )


@jsii.implements(IStableAnyProducer)
class _IsKept:
    """Whether a table is to outlive its stack, at synth: `RemovalPolicies` may have changed it."""

    def __init__(self, table: dynamodb.CfnTable) -> None:
        self._table = table

    def produce(self) -> bool:
        return self._table.cfn_options.deletion_policy != CfnDeletionPolicy.DELETE


@dataclass(frozen=True, kw_only=True)
class _BoundTable:
    """A table; what is asked of it for each function is made once."""

    table: dynamodb.ITable
    name: str
    arn: str
    key: kms.IKey | None
    url_suffix: str

    @staticmethod
    def of(table: dynamodb.ITable) -> _BoundTable:
        return _BoundTable(
            table=table,
            name=table.table_name,
            arn=_arn(table),
            key=table.encryption_key,
            url_suffix=Aws.URL_SUFFIX,
        )

    @property
    def server(self) -> Server | None:
        return None

    @property
    def services(self) -> tuple[str, ...]:
        return ("dynamodb",)

    def settings(self) -> dict[str, str]:
        return {"table": self.name, "url_suffix": self.url_suffix}

    def connect(self, function: lambda_.Function) -> None:
        """Do nothing: a table is reached from wherever DynamoDB is."""

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> list[iam.Grant]:
        fence = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{namespace}#*"]}}
        grant = allow(
            grantee,
            *("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"),
            on=[self.arn],
            conditions=None if namespace is None else fence,
        )
        return [grant] if self.key is None else [grant, self.key.grant(grantee, *KEY_ACTIONS)]

    def monitoring(self) -> StoreMonitoring:
        def own(name: str) -> cloudwatch.Metric:
            return self.table.metric(name, statistic="Sum", period=PERIOD)

        reads, writes = own("ReadThrottleEvents"), own("WriteThrottleEvents")
        return StoreMonitoring(
            name=self.name,
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


def _arn(table: dynamodb.ITable) -> str:
    """Return the table's ARN. That of a new table is made from its name, the one value that
    crosses to functions in other stacks."""
    if not isinstance(table, dynamodb.Table | dynamodb.TableV2):
        return table.table_arn
    return Stack.of(table).format_arn(
        service="dynamodb", resource="table", resource_name=table.table_name
    )
