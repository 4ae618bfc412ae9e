"""A durable execution is remembered for as long as its record."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter, Duration
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from cdk_idempotency.inspection import resource_of
from kit.checks import attached, findings, problems
from kit.synth import durable, function, stack


def _attached(days: int | None, kept: Duration | None = None) -> Idempotency:
    options = {} if kept is None else {"expires_after": kept}
    return attached(function(stack(), durable_config=durable(retention=days)), **options)


@pytest.mark.parametrize(("days", "kept"), [(1, 25), (None, 14 * 24 + 1)])
def test_an_execution_that_is_forgotten_before_its_record_is_reported(
    days: int | None, kept: int
) -> None:
    [finding] = findings(_attached(days, Duration.hours(kept)), "durable-retention")
    assert finding.construct.node.path == "Stack/Payments"
    assert f"forgets an execution {'14 days' if days is None else '1 day'} after" in finding.message
    assert f"a retention_period of at least {kept} hours" in finding.message


@pytest.mark.parametrize(("days", "kept"), [(1, 24), (None, 14 * 24), (1, None), (None, None)])
def test_one_that_is_remembered_for_as_long_is_in_order(days: int | None, kept: int | None) -> None:
    assert problems(_attached(days, None if kept is None else Duration.hours(kept))) == {}


def test_an_ordinary_function_is_in_order() -> None:
    assert problems(attached(function(stack()), expires_after=Duration.days(90))) == {}


def test_a_retention_that_only_the_deployment_knows_is_passed() -> None:
    scope = stack()
    payments = function(scope, durable_config=durable())
    idempotency = attached(payments, expires_after=Duration.days(90))
    days = CfnParameter(scope, "Days", type="Number").value_as_number
    resource_of(payments).durable_config = lambda_.CfnFunction.DurableConfigProperty(
        execution_timeout=3600, retention_period_in_days=days
    )
    assert problems(idempotency) == {}
