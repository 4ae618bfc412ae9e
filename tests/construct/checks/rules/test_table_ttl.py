"""A table that is handed in deletes expired records."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Annotations, CfnParameter
from aws_cdk import aws_dynamodb as dynamodb

from kit.checks import problems
from kit.synth import US, stack, warnings
from kit.tables import CLASSES, RAW, TTL, MakeTable, kept_in, table, table_v2


@CLASSES
def test_a_table_without_ttl_is_reported(make: MakeTable) -> None:
    scope = stack(env=US)
    [finding] = problems(kept_in(scope, make(scope, time_to_live_attribute=None))).values()
    assert finding.id == "cdk-idempotency:table-ttl"
    assert "Stack/Records has no TTL, so expired records are never" in finding.message
    assert "Pass time_to_live_attribute='expiration' to the table" in finding.message


@CLASSES
def test_a_ttl_on_another_attribute_is_reported(make: MakeTable) -> None:
    scope = stack(env=US)
    found = problems(kept_in(scope, make(scope, time_to_live_attribute="expires_at")))
    message = found["table-ttl"].message
    assert "Stack/Records has its TTL on expires_at, which records have not" in message


@RAW
@pytest.mark.parametrize("ttl", [None, {"attributeName": TTL, "enabled": False}])
def test_a_raw_table_whose_ttl_is_off_is_reported(make: MakeTable, ttl: Any) -> None:
    scope = stack(env=US)
    found = problems(kept_in(scope, make(scope, time_to_live_specification=ttl)))
    assert "has no TTL" in found["table-ttl"].message


@RAW
def test_a_ttl_that_only_the_deployment_knows_is_passed(make: MakeTable) -> None:
    scope = stack(env=US)
    ttl = {"attributeName": CfnParameter(scope, "Name").value_as_string, "enabled": True}
    assert problems(kept_in(scope, make(scope, time_to_live_specification=ttl))) == {}


def test_replicas_with_strong_consistency_are_told_that_nothing_deletes_records() -> None:
    scope = stack(env=US)
    regions = ("us-east-2", "us-west-2")
    strong = table_v2(
        scope,
        replicas=[dynamodb.ReplicaTableProps(region=region) for region in regions],
        multi_region_consistency=dynamodb.MultiRegionConsistency.STRONG,
        time_to_live_attribute=None,
    )
    [finding] = problems(kept_in(scope, strong)).values()
    assert finding.id == "cdk-idempotency:table-ttl"
    assert "for which DynamoDB has no TTL" in finding.message
    assert "Pass time_to_live_attribute" not in finding.message


def test_the_warning_is_acknowledged_on_the_table() -> None:
    scope = stack(env=US)
    records = table(scope, time_to_live_attribute=None)
    Annotations.of(records).acknowledge_warning("cdk-idempotency:table-ttl", "a job deletes them")
    kept_in(scope, records)
    assert warnings(scope, "*") == []
