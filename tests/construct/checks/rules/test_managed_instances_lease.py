"""On Lambda Managed Instances a heartbeat renews the lease."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration

from kit.checks import attached, findings, problems
from kit.synth import durable, function, share_environments, stack

RULE = "managed-instances-lease"
LEASE = {"lease": Duration.seconds(30)}


@pytest.mark.parametrize(
    ("options", "lease"), [(LEASE, "30 seconds"), ({"heartbeat": False}, "15 minutes")]
)
def test_a_lease_that_nothing_renews_is_reported(options: dict[str, Any], lease: str) -> None:
    payments = function(stack())
    share_environments(payments)
    [finding] = findings(attached(payments, **options), RULE)
    assert finding.construct.node.path == "Stack/Payments"
    assert f"nothing renews its lease of {lease}:" in finding.message


@pytest.mark.parametrize("options", [{}, {**LEASE, "heartbeat": True}, {"heartbeat": True}])
def test_one_that_a_heartbeat_renews_is_in_order(options: dict[str, Any]) -> None:
    payments = function(stack())
    share_environments(payments)
    assert problems(attached(payments, **options)) == {}


@pytest.mark.parametrize("options", [LEASE, {"heartbeat": False}])
def test_where_lambda_stops_an_attempt_no_heartbeat_is_needed(options: dict[str, Any]) -> None:
    assert findings(attached(function(stack()), **options), RULE) == []


def test_a_durable_execution_has_a_lease_of_its_own() -> None:
    payments = function(stack(), durable_config=durable())
    share_environments(payments)
    assert findings(attached(payments, **LEASE), RULE) == []
