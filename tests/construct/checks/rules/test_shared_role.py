"""Functions that share a role, and so each other's records, are reported."""

from __future__ import annotations

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import IdempotencyStore, RedisCredentials
from kit.checks import attached, findings
from kit.synth import app, function, stack

ARN = "arn:aws:iam::111111111111:role/shared"


def _role(scope: Stack) -> iam.Role:
    return iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def test_functions_with_roles_of_their_own_are_in_order() -> None:
    scope = stack()
    assert findings(attached(function(scope), function(scope, "Refunds")), "shared-role") == []


def test_two_attached_functions_with_one_role_are_reported_once_on_the_role() -> None:
    scope = stack()
    role = _role(scope)
    functions = [function(scope, name, role=role) for name in ("Payments", "Refunds")]
    [finding] = findings(attached(*functions), "shared-role")
    assert finding.construct.node.path == "Stack/Role"
    assert "the role of Stack/Payments and Stack/Refunds, and" in finding.message


def test_a_function_that_is_not_attached_has_the_rights_too() -> None:
    scope = stack()
    payments = function(scope)
    function(scope, "Reports", role=payments.role)
    [finding] = findings(attached(payments), "shared-role")
    assert "Stack/Payments and Stack/Reports" in finding.message


def test_a_raw_function_of_another_stack_is_seen() -> None:
    scope = app()
    payments = function(stack(scope))
    assert payments.role is not None
    lambda_.CfnFunction(
        stack(scope, "Elsewhere"),
        "Reports",
        code=lambda_.CfnFunction.CodeProperty(zip_file="..."),
        role=payments.role.role_arn,
    )
    [finding] = findings(attached(payments), "shared-role")
    assert "Stack/Payments and Elsewhere/Reports" in finding.message


@pytest.mark.parametrize(("second", "found"), [(ARN, 1), (f"{ARN}-not", 0)])
def test_an_imported_role_is_told_by_its_arn(second: str, found: int) -> None:
    scope = stack()
    functions = [
        function(scope, name, role=iam.Role.from_role_arn(scope, f"{name}Role", arn))
        for name, arn in (("Payments", ARN), ("Refunds", second))
    ]
    assert len(findings(attached(*functions), "shared-role")) == found


def test_many_functions_are_counted() -> None:
    scope = stack()
    role = _role(scope)
    functions = [function(scope, f"F{number}", role=role) for number in range(7)]
    [finding] = findings(attached(*functions), "shared-role")
    assert "Stack/F3, Stack/F4 and 2 more, and each" in finding.message


def test_functions_that_share_a_role_apart_from_attached_ones_are_none_of_ours() -> None:
    scope = stack()
    role = _role(scope)
    for name in ("Reports", "Exports"):
        function(scope, name, role=role)
    assert findings(attached(function(scope)), "shared-role") == []


def test_on_redis_a_role_is_no_fence_in_any_case() -> None:
    scope = stack()
    role = _role(scope)
    store = IdempotencyStore.redis(host="localhost", credentials=RedisCredentials.none())
    functions = [function(scope, name, role=role) for name in ("Payments", "Refunds")]
    idempotency = attached(*functions, store=store, expires_after=Duration.hours(1))
    assert findings(idempotency, "shared-role") == []
