"""A table with strong consistency across regions has no TTL."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_dynamodb as dynamodb

from kit.checks import findings
from kit.synth import US, stack
from kit.tables import kept_in, table_v2

STRONG = dynamodb.MultiRegionConsistency.STRONG
REPLICAS = [dynamodb.ReplicaTableProps(region=region) for region in ("us-east-2", "us-west-2")]


def test_strong_consistency_and_ttl_are_an_error() -> None:
    scope = stack(env=US)
    strong = table_v2(scope, replicas=REPLICAS, multi_region_consistency=STRONG)
    [finding] = findings(kept_in(scope, strong), "table-strong-ttl")
    assert finding.severity == "error"
    assert finding.construct.node.path == "Stack/Records/Resource"
    assert "has its TTL on expiration, which DynamoDB refuses" in finding.message


@pytest.mark.parametrize(
    "props",
    [
        {"multi_region_consistency": STRONG, "time_to_live_attribute": None},
        {"multi_region_consistency": dynamodb.MultiRegionConsistency.EVENTUAL},
    ],
    ids=["no TTL", "eventual"],
)
def test_the_one_without_the_other_is_in_order(props: dict[str, Any]) -> None:
    scope = stack(env=US)
    records = table_v2(scope, replicas=REPLICAS, **props)
    assert findings(kept_in(scope, records), "table-strong-ttl") == []
