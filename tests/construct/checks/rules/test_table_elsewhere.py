"""A function is in the account and region of its table."""

from __future__ import annotations

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_dynamodb as dynamodb

from cdk_idempotency.checks.model.finding import Finding
from kit.checks import findings
from kit.synth import US, app, stack
from kit.tables import ID, kept_in

IRELAND = Environment(account="111111111111", region="eu-west-1")


def _table(root: App) -> dynamodb.TableV2:
    return dynamodb.TableV2(
        stack(root, "Home", env=US),
        "Records",
        partition_key=ID,
        table_name="records",
        replicas=[dynamodb.ReplicaTableProps(region="eu-west-1")],
    )


def _imported(scope: Stack, *, account: str = "111111111111") -> dynamodb.ITable:
    arn = f"arn:aws:dynamodb:us-east-1:{account}:table/records"
    return dynamodb.Table.from_table_arn(scope, "Imported", arn)


def _found(scope: Stack, table: dynamodb.ITable) -> list[Finding]:
    """Return the findings about a function in a stack, whose records are in the table."""
    found = findings(kept_in(scope, table), "table-elsewhere")
    assert {each.construct.node.path for each in found} <= {f"{scope.node.id}/Payments"}
    return found


def test_a_table_in_another_region_is_reported() -> None:
    root = app()
    [finding] = _found(stack(root, "Functions", env=IRELAND), _table(root))
    message = finding.message
    assert "in 111111111111 eu-west-1 and its table in 111111111111 us-east-1, so" in message
    assert "of a global table that is table.replica(region)" in message


def test_a_replica_in_the_functions_region_is_in_order() -> None:
    root = app()
    scope = stack(root, "Functions", env=IRELAND)
    assert _found(scope, _table(root).replica("eu-west-1")) == []


@pytest.mark.parametrize(("env", "count"), [(US, 0), (IRELAND, 1), (None, 0)])
def test_the_arn_of_an_imported_table_counts(env: Environment | None, count: int) -> None:
    scope = stack(env=env)
    assert len(_found(scope, _imported(scope))) == count


def test_an_imported_table_of_another_account_is_reported() -> None:
    scope = stack(env=US)
    [finding] = _found(scope, _imported(scope, account="222222222222"))
    assert "its table in 222222222222 us-east-1" in finding.message


@pytest.mark.parametrize("env", [IRELAND, None])
def test_a_table_in_the_functions_own_stack_is_in_order(env: Environment | None) -> None:
    scope = stack(env=env)
    table = dynamodb.Table(scope, "Records", partition_key=ID)
    assert _found(scope, table) == []
