"""Waiting duplicates that would fill a function's reserved concurrency are reported."""

from __future__ import annotations

import pytest
from aws_cdk import Fn, Token
from aws_cdk import aws_lambda as lambda_

from kit.checks import attached, findings
from kit.synth import durable, function, share_environments, stack


@pytest.mark.parametrize(
    ("reserved", "found"), [(None, 0), (0, 0), (1, 1), (2, 1), (3, 1), (4, 0), (100, 0)]
)
def test_duplicates_that_wait_leave_room(reserved: int | None, found: int) -> None:
    payments = function(stack(), reserved_concurrent_executions=reserved)
    assert len(findings(attached(payments, on_in_progress="wait"), "wait-concurrency")) == found


def test_the_only_environment_is_held() -> None:
    payments = function(stack(), reserved_concurrent_executions=1)
    [finding] = findings(attached(payments, on_in_progress="wait"), "wait-concurrency")
    assert finding.construct.node.path == "Stack/Payments"
    assert "holds the only environment" in finding.message


def test_a_few_environments_are_filled() -> None:
    payments = function(stack(), reserved_concurrent_executions=2)
    [finding] = findings(attached(payments, on_in_progress="wait"), "wait-concurrency")
    assert "2 duplicates that wait hold all environments" in finding.message


def test_an_environment_for_several_invocations_has_room_beside_a_waiter() -> None:
    payments = function(stack(), reserved_concurrent_executions=1)
    share_environments(payments)
    assert findings(attached(payments, on_in_progress="wait"), "wait-concurrency") == []


def test_duplicates_that_raise_take_no_room() -> None:
    payments = function(stack(), reserved_concurrent_executions=1)
    assert findings(attached(payments), "wait-concurrency") == []


def test_a_concurrency_that_only_the_deployment_knows_is_none_of_ours() -> None:
    payments = function(stack())
    resource = payments.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    resource.reserved_concurrent_executions = Token.as_number(Fn.ref("Concurrency"))
    assert findings(attached(payments, on_in_progress="wait"), "wait-concurrency") == []


def test_a_durable_execution_is_suspended_while_it_waits() -> None:
    payments = function(stack(), durable_config=durable(), reserved_concurrent_executions=1)
    assert findings(attached(payments, on_in_progress="wait"), "wait-concurrency") == []
