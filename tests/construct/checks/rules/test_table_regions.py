"""A table that two regions write to keeps one state for both."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_dynamodb as dynamodb

from kit.checks import problems
from kit.synth import US, app, stack
from kit.tables import global_table, kept_in, replica, table, table_v2

OHIO, OREGON = (dynamodb.ReplicaTableProps(region=region) for region in ("us-east-2", "us-west-2"))


@pytest.mark.parametrize("consistency", [None, dynamodb.MultiRegionConsistency.EVENTUAL])
def test_replicas_with_eventual_consistency_are_reported(
    consistency: dynamodb.MultiRegionConsistency | None,
) -> None:
    scope = stack(env=US)
    eventual = table_v2(scope, replicas=[OHIO, OREGON], multi_region_consistency=consistency)
    [finding] = problems(kept_in(scope, eventual)).values()
    assert finding.id == "cdk-idempotency:table-regions"
    assert "Stack/Records is replicated to us-east-2, us-west-2 with" in finding.message


def test_replicas_of_the_older_kind_are_reported() -> None:
    scope = stack(env=US)
    [finding] = problems(kept_in(scope, table(scope, replication_regions=["us-east-2"]))).values()
    assert finding.id == "cdk-idempotency:table-regions"
    assert "Stack/Records is replicated to us-east-2 with eventual" in finding.message


def test_a_raw_table_with_replicas_is_reported() -> None:
    scope = stack(env=US)
    replicas = [replica("us-east-1"), replica("eu-west-1")]
    found = problems(kept_in(scope, global_table(scope, replicas=replicas)))
    assert list(found) == ["table-regions"]


def test_a_replica_that_is_handed_in_is_reported() -> None:
    root = app()
    home, away = stack(root, "Home", env=US), stack(root, "Away", env=US)
    records = table_v2(home, replicas=[OHIO])
    assert isinstance(records, dynamodb.TableV2)
    found = problems(kept_in(away, records.replica("us-east-2")))
    assert found["table-regions"].construct.node.path.startswith("Home/Records/")


def test_one_replica_in_a_stack_of_unknown_region_is_in_order() -> None:
    scope = stack()
    assert problems(kept_in(scope, global_table(scope))) == {}


def test_a_consistency_that_only_the_deployment_knows_is_passed() -> None:
    scope = stack(env=US)
    consistency = CfnParameter(scope, "Consistency").value_as_string
    replicas = [replica("us-east-1"), replica("eu-west-1")]
    unknown = global_table(scope, replicas=replicas, multi_region_consistency=consistency)
    assert problems(kept_in(scope, unknown)) == {}
