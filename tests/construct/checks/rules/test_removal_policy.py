"""A removal policy that CloudFormation rejects is an error; the others decide on protection."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, RemovalPolicies, RemovalPolicy, Stack

from cdk_idempotency import IdempotencyStore
from kit.checks import attached, findings
from kit.synth import app, function, stack, template

RULE = "removal-policy"
TABLE = "AWS::DynamoDB::Table"


def _table(policy: RemovalPolicy) -> IdempotencyStore:
    return IdempotencyStore.dynamodb(removal_policy=policy)


def _synthesized(scope: Stack) -> tuple[Any, bool]:
    """Return the deletion policy of the table, and whether it is protected."""
    [table] = template(scope).find_resources(TABLE).values()
    return table["DeletionPolicy"], table["Properties"]["DeletionProtectionEnabled"]


def test_a_snapshot_of_a_table_is_an_error() -> None:
    [finding] = findings(attached(function(stack()), store=_table(RemovalPolicy.SNAPSHOT)), RULE)
    assert finding.severity == "error"
    assert "pass RemovalPolicy.RETAIN, or DESTROY" in finding.message


def test_a_snapshot_of_a_cache_is_an_error() -> None:
    idempotency = attached(function(stack()), store=IdempotencyStore.elasticache_serverless())
    assert idempotency.cache is not None
    assert findings(idempotency, RULE) == []
    idempotency.cache.apply_removal_policy(RemovalPolicy.SNAPSHOT)
    assert len(findings(idempotency, RULE)) == 1


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (RemovalPolicy.RETAIN, ("Retain", True)),
        (RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, ("RetainExceptOnCreate", True)),
        (RemovalPolicy.DESTROY, ("Delete", False)),
    ],
)
def test_every_other_policy_stands(policy: RemovalPolicy, expected: tuple[str, bool]) -> None:
    scope = stack()
    assert findings(attached(function(scope), store=_table(policy)), RULE) == []
    assert _synthesized(scope) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("destroy", ("Delete", False)), ("retain", ("Retain", True))]
)
def test_a_policy_of_the_whole_app_decides_on_protection(
    name: str, expected: tuple[str, bool]
) -> None:
    root: App = app()
    scope = stack(root)
    given = RemovalPolicy.RETAIN if name == "destroy" else RemovalPolicy.DESTROY
    attached(function(scope), store=_table(given))
    getattr(RemovalPolicies.of(root), name)()
    assert _synthesized(scope) == expected
