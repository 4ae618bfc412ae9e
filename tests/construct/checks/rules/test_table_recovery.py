"""A table that is handed in can be restored to a point in time."""

from __future__ import annotations

from aws_cdk import Aws, CfnCondition, Fn

from kit.checks import problems
from kit.synth import US, stack
from kit.tables import CLASSES, MakeTable, global_table, kept_in, raw_table, replica


@CLASSES
def test_a_table_without_recovery_is_reported(make: MakeTable) -> None:
    scope = stack(env=US)
    without = make(scope, point_in_time_recovery_specification=None)
    [finding] = problems(kept_in(scope, without)).values()
    assert finding.id == "cdk-idempotency:table-recovery"
    assert "Stack/Records has no point-in-time recovery" in finding.message


def test_a_replica_without_recovery_is_reported() -> None:
    scope = stack(env=US)
    without = global_table(scope, replicas=[replica("us-east-1", recovery=False)])
    assert list(problems(kept_in(scope, without))) == ["table-recovery"]


def test_a_recovery_that_only_the_deployment_knows_is_passed() -> None:
    scope = stack(env=US)
    is_us = CfnCondition(scope, "IsUs", expression=Fn.condition_equals(Aws.REGION, "us-east-1"))
    recovery = {"pointInTimeRecoveryEnabled": Fn.condition_if(is_us.logical_id, True, False)}
    raw = raw_table(scope, point_in_time_recovery_specification=recovery)
    assert problems(kept_in(scope, raw)) == {}
