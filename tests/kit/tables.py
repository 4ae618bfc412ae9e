"""DynamoDB tables that are handed in, made in each of the ways that CDK has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb

from cdk_idempotency import Idempotency, IdempotencyStore
from kit.synth import function

ID: Final = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
ON: Final = dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True)
TTL: Final = "expiration"
KEY: Final[dict[str, Any]] = {
    "key_schema": [{"attributeName": "id", "keyType": "HASH"}],
    "attribute_definitions": [{"attributeName": "id", "attributeType": "S"}],
}


def table(scope: Stack, **props: Any) -> dynamodb.ITable:
    """Return a valid table, apart from these props."""
    return dynamodb.Table(scope, "Records", **{**_props(), **props})


def table_v2(scope: Stack, **props: Any) -> dynamodb.ITable:
    """Return such a table as a `TableV2`."""
    return dynamodb.TableV2(scope, "Records", **{**_props(), **props})


def global_table(scope: Stack, **props: Any) -> dynamodb.ITable:
    """Return such a table as a raw global table, imported by its name."""
    defaults = {
        **KEY,
        "billing_mode": "PAY_PER_REQUEST",
        "time_to_live_specification": {"attributeName": TTL, "enabled": True},
        "replicas": [replica("us-east-1")],
    }
    resource = dynamodb.CfnGlobalTable(scope, "Resource", **{**defaults, **props})
    return dynamodb.Table.from_table_name(scope, "Records", resource.ref)


def raw_table(scope: Stack, **props: Any) -> dynamodb.ITable:
    """Return such a table as a raw table, imported by its ARN."""
    defaults = {
        **KEY,
        "billing_mode": "PAY_PER_REQUEST",
        "time_to_live_specification": {"attributeName": TTL, "enabled": True},
        "point_in_time_recovery_specification": {"pointInTimeRecoveryEnabled": True},
    }
    resource = dynamodb.CfnTable(scope, "Resource", **{**defaults, **props})
    return dynamodb.Table.from_table_arn(scope, "Records", resource.attr_arn)


def replica(region: str, *, recovery: bool = True) -> dict[str, Any]:
    """Return a replica of a raw global table."""
    return {
        "region": region,
        "pointInTimeRecoverySpecification": {"pointInTimeRecoveryEnabled": recovery},
    }


MakeTable = Callable[..., dynamodb.ITable]
CLASSES: Final = pytest.mark.parametrize("make", [table, table_v2])
RAW: Final = pytest.mark.parametrize("make", [global_table, raw_table])
EACH: Final = pytest.mark.parametrize("make", [table, table_v2, global_table, raw_table])


def kept_in(scope: Stack, table: dynamodb.ITable) -> Idempotency:
    """Return an `Idempotency` with a function in `scope` whose records are in the table."""
    store = IdempotencyStore.dynamodb(table=table)
    idempotency = Idempotency(scope, "Idempotency", store=store, namespace_prefix="app")
    idempotency.attach(function(scope))
    return idempotency


def _props() -> dict[str, Any]:
    return {
        "partition_key": ID,
        "time_to_live_attribute": TTL,
        "point_in_time_recovery_specification": ON,
    }
