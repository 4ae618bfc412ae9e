"""A table that is handed in: its key, its TTL, its recovery, its regions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Annotations, Aws, CfnCondition, CfnParameter, Fn, Stack
from aws_cdk import aws_dynamodb as dynamodb

from cdk_idempotency import Idempotency, IdempotencyStore
from kit.synth import US, app, function, stack, template, warnings

ID = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
ON = dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True)
TTL = "expiration"
KEY: dict[str, Any] = {
    "key_schema": [{"attributeName": "id", "keyType": "HASH"}],
    "attribute_definitions": [{"attributeName": "id", "attributeType": "S"}],
}


def _table(scope: Stack, **props: Any) -> dynamodb.ITable:
    defaults = {
        "partition_key": ID,
        "time_to_live_attribute": TTL,
        "point_in_time_recovery_specification": ON,
    }
    return dynamodb.Table(scope, "Records", **{**defaults, **props})


def _table_v2(scope: Stack, **props: Any) -> dynamodb.ITable:
    defaults = {
        "partition_key": ID,
        "time_to_live_attribute": TTL,
        "point_in_time_recovery_specification": ON,
    }
    return dynamodb.TableV2(scope, "Records", **{**defaults, **props})


def _global(scope: Stack, **props: Any) -> dynamodb.ITable:
    defaults = {
        **KEY,
        "billing_mode": "PAY_PER_REQUEST",
        "time_to_live_specification": {"attributeName": TTL, "enabled": True},
        "replicas": [_replica("us-east-1")],
    }
    resource = dynamodb.CfnGlobalTable(scope, "Resource", **{**defaults, **props})
    return dynamodb.Table.from_table_name(scope, "Records", resource.ref)


def _raw(scope: Stack, **props: Any) -> dynamodb.ITable:
    defaults = {
        **KEY,
        "billing_mode": "PAY_PER_REQUEST",
        "time_to_live_specification": {"attributeName": TTL, "enabled": True},
        "point_in_time_recovery_specification": {"pointInTimeRecoveryEnabled": True},
    }
    resource = dynamodb.CfnTable(scope, "Resource", **{**defaults, **props})
    return dynamodb.Table.from_table_arn(scope, "Records", resource.attr_arn)


def _replica(region: str, *, recovery: bool = True) -> dict[str, Any]:
    return {
        "region": region,
        "pointInTimeRecoverySpecification": {"pointInTimeRecoveryEnabled": recovery},
    }


Make = Callable[..., dynamodb.ITable]
CLASSES = pytest.mark.parametrize("make", [_table, _table_v2])
EACH = pytest.mark.parametrize("make", [_table, _table_v2, _global, _raw])


def _scope(**options: Any) -> Stack:
    return stack(**{"env": US, **options})


def _kept_in(scope: Stack, table: dynamodb.ITable) -> Stack:
    """The stack, with a function whose records are in the table."""
    store = IdempotencyStore.dynamodb(table=table)
    Idempotency(scope, "Idempotency", store=store).attach(function(scope))
    return scope


def _found(scope: Stack) -> dict[str, str]:
    """The warnings by their ids."""
    return {
        re.findall(r"\[ack: cdk-idempotency:([a-z-]+)\]", warning)[0]: warning
        for warning in warnings(scope, "*")
    }


@EACH
def test_a_table_as_it_should_be_is_in_order(make: Make) -> None:
    scope = _scope()
    assert _found(_kept_in(scope, make(scope))) == {}


def test_a_table_of_our_own_is_in_order() -> None:
    scope = _scope()
    Idempotency(scope, "Idempotency")
    assert _found(scope) == {}


@pytest.mark.parametrize("token", [False, True])
def test_nothing_is_known_of_an_imported_table(*, token: bool) -> None:
    scope = _scope()
    name = CfnParameter(scope, "Name").value_as_string if token else "records"
    table = dynamodb.Table.from_table_name(scope, "Records", name)
    assert _found(_kept_in(scope, table)) == {}


# Its key ------------------------------------------------------------------------------------------


@CLASSES
@pytest.mark.parametrize(
    ("props", "key"),
    [
        (
            {"partition_key": dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING)},
            "pk (S, HASH)",
        ),
        (
            {"partition_key": dynamodb.Attribute(name="id", type=dynamodb.AttributeType.NUMBER)},
            "id (N, HASH)",
        ),
        (
            {"sort_key": dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING)},
            "id (S, HASH), sk (S, RANGE)",
        ),
    ],
)
def test_another_key_is_an_error(make: Make, props: dict[str, Any], key: str) -> None:
    scope = _scope()
    _kept_in(scope, make(scope, **props))
    expected = (
        rf"(?s)Stack/Records/Resource: the key.* is {re.escape(key)}.*-idempotency:table-key\]"
    )
    with pytest.raises(Exception, match=expected):
        template(scope)


def test_another_key_of_a_raw_table_is_an_error() -> None:
    scope = _scope()
    schema = [{"attributeName": "pk", "keyType": "HASH"}]
    definitions = [{"attributeName": "pk", "attributeType": "S"}]
    _kept_in(scope, _raw(scope, key_schema=schema, attribute_definitions=definitions))
    with pytest.raises(Exception, match=r"Stack/Resource: the key of the table is pk \(S, HASH\)"):
        template(scope)


def test_another_key_in_another_stack_is_an_error() -> None:
    root = app()
    store, scope = stack(root, "Store", env=US), stack(root, "Functions", env=US)
    other = dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING)
    _kept_in(scope, _table(store, partition_key=other))
    with pytest.raises(Exception, match=r"Store/Records/Resource: the key of the table is pk"):
        template(scope)


def test_attributes_of_indexes_are_no_part_of_the_key() -> None:
    scope = _scope()
    table = _table(scope)
    assert isinstance(table, dynamodb.Table)
    other = dynamodb.Attribute(name="status", type=dynamodb.AttributeType.STRING)
    table.add_global_secondary_index(index_name="ByStatus", partition_key=other)
    assert _found(_kept_in(scope, table)) == {}


def test_a_key_that_is_known_at_deployment_only_is_passed() -> None:
    scope = _scope()
    name = CfnParameter(scope, "Name").value_as_string
    schema = [{"attributeName": name, "keyType": "HASH"}]
    definitions = [{"attributeName": name, "attributeType": "S"}]
    table = _raw(scope, key_schema=schema, attribute_definitions=definitions)
    assert _found(_kept_in(scope, table)) == {}


# Its TTL ------------------------------------------------------------------------------------------


@CLASSES
def test_a_table_without_ttl_is_warned_of(make: Make) -> None:
    scope = _scope()
    found = _found(_kept_in(scope, make(scope, time_to_live_attribute=None)))
    assert list(found) == ["table-ttl"]
    assert "Stack/Records has no TTL, so expired records are never" in found["table-ttl"]
    assert "Pass time_to_live_attribute='expiration' to the table" in found["table-ttl"]


@CLASSES
def test_a_ttl_on_another_attribute_is_warned_of(make: Make) -> None:
    scope = _scope()
    found = _found(_kept_in(scope, make(scope, time_to_live_attribute="expires_at")))
    assert "Stack/Records has its TTL on expires_at, which records have not" in found["table-ttl"]


@pytest.mark.parametrize("make", [_global, _raw])
@pytest.mark.parametrize("ttl", [None, {"attributeName": TTL, "enabled": False}])
def test_a_raw_table_whose_ttl_is_off_is_warned_of(make: Make, ttl: Any) -> None:
    scope = _scope()
    found = _found(_kept_in(scope, make(scope, time_to_live_specification=ttl)))
    assert "has no TTL" in found["table-ttl"]


@pytest.mark.parametrize("make", [_global, _raw])
def test_a_ttl_that_is_known_at_deployment_only_is_passed(make: Make) -> None:
    scope = _scope()
    ttl = {"attributeName": CfnParameter(scope, "Name").value_as_string, "enabled": True}
    assert _found(_kept_in(scope, make(scope, time_to_live_specification=ttl))) == {}


def test_a_warning_is_acknowledged_on_the_table() -> None:
    scope = _scope()
    table = _table(scope, time_to_live_attribute=None)
    Annotations.of(table).acknowledge_warning("cdk-idempotency:table-ttl", "a job deletes them")
    assert _found(_kept_in(scope, table)) == {}


# Its recovery -------------------------------------------------------------------------------------


@CLASSES
def test_a_table_without_recovery_is_warned_of(make: Make) -> None:
    scope = _scope()
    found = _found(_kept_in(scope, make(scope, point_in_time_recovery_specification=None)))
    assert list(found) == ["table-recovery"]
    assert "Stack/Records has no point-in-time recovery" in found["table-recovery"]


def test_a_replica_without_recovery_is_warned_of() -> None:
    scope = _scope()
    table = _global(scope, replicas=[_replica("us-east-1", recovery=False)])
    assert list(_found(_kept_in(scope, table))) == ["table-recovery"]


def test_a_recovery_that_is_known_at_deployment_only_is_passed() -> None:
    scope = _scope()
    is_us = CfnCondition(scope, "IsUs", expression=Fn.condition_equals(Aws.REGION, "us-east-1"))
    on = Fn.condition_if(is_us.logical_id, True, False)
    recovery = {"pointInTimeRecoveryEnabled": on}
    table = _raw(scope, point_in_time_recovery_specification=recovery)
    assert _found(_kept_in(scope, table)) == {}


# Its regions --------------------------------------------------------------------------------------

OHIO, OREGON = (dynamodb.ReplicaTableProps(region=region) for region in ("us-east-2", "us-west-2"))
STRONG = dynamodb.MultiRegionConsistency.STRONG
EVENTUAL = dynamodb.MultiRegionConsistency.EVENTUAL


@pytest.mark.parametrize("consistency", [None, EVENTUAL])
def test_replicas_with_eventual_consistency_are_warned_of(
    consistency: dynamodb.MultiRegionConsistency | None,
) -> None:
    scope = _scope()
    table = _table_v2(scope, replicas=[OHIO, OREGON], multi_region_consistency=consistency)
    found = _found(_kept_in(scope, table))
    assert list(found) == ["table-regions"]
    assert "Stack/Records is replicated to us-east-2, us-west-2 with" in found["table-regions"]


def test_replicas_of_the_older_kind_are_warned_of() -> None:
    scope = _scope()
    found = _found(_kept_in(scope, _table(scope, replication_regions=["us-east-2"])))
    assert list(found) == ["table-regions"]
    assert "Stack/Records is replicated to us-east-2 with eventual" in found["table-regions"]


def test_a_raw_table_with_replicas_is_warned_of() -> None:
    scope = _scope()
    replicas = [_replica("us-east-1"), _replica("eu-west-1")]
    assert list(_found(_kept_in(scope, _global(scope, replicas=replicas)))) == ["table-regions"]


def test_a_replica_that_is_handed_in_is_warned_of() -> None:
    root = app()
    home, away = stack(root, "Home", env=US), stack(root, "Away", env=US)
    table = _table_v2(home, replicas=[OHIO])
    assert isinstance(table, dynamodb.TableV2)
    _kept_in(away, table.replica("us-east-2"))
    assert list(_found(home)) == ["table-regions"]


def test_one_replica_in_a_stack_of_unknown_region_is_in_order() -> None:
    scope = stack()
    assert _found(_kept_in(scope, _global(scope))) == {}


def test_replicas_with_strong_consistency_and_ttl_are_an_error() -> None:
    scope = _scope()
    replicas = [OHIO, OREGON]
    _kept_in(scope, _table_v2(scope, replicas=replicas, multi_region_consistency=STRONG))
    expected = r"(?s)Stack/Records/Resource: .* TTL on expiration.*idempotency:table-strong-ttl\]"
    with pytest.raises(Exception, match=expected):
        template(scope)


def test_replicas_with_strong_consistency_are_told_that_nothing_deletes_records() -> None:
    scope = _scope()
    table = _table_v2(
        scope,
        replicas=[OHIO, OREGON],
        multi_region_consistency=STRONG,
        time_to_live_attribute=None,
    )
    found = _found(_kept_in(scope, table))
    assert list(found) == ["table-ttl"]
    assert "for which DynamoDB has no TTL" in found["table-ttl"]
    assert "Pass time_to_live_attribute" not in found["table-ttl"]


def test_a_consistency_that_is_known_at_deployment_only_is_passed() -> None:
    scope = _scope()
    consistency = CfnParameter(scope, "Consistency").value_as_string
    replicas = [_replica("us-east-1"), _replica("eu-west-1")]
    table = _global(scope, replicas=replicas, multi_region_consistency=consistency)
    assert _found(_kept_in(scope, table)) == {}
