"""The schedule of a rotation, and the right to call its function."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials, RedisRotation
from cdk_idempotency.rotation.schedule import schedule_expression
from kit.redis.apps import COMPLETE, acl_rotation, imported_secret, rotated_cache, rotated_server
from kit.synth import only, stack, template, vpc

SCHEDULE = "AWS::SecretsManager::RotationSchedule"
FUNCTION = "AWS::Lambda::Function"
PERMISSION = "AWS::Lambda::Permission"


@cache
def _server() -> Template:
    """A server whose password is rotated by the default schedule."""
    scope = stack()
    rotated_server(scope, acl_rotation(scope))
    return template(scope)


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(f"[Stack/Idempotency] {message}"))


def test_the_schedule_does_not_rotate_with_the_deployment() -> None:
    found = _server()
    [rotation] = found.find_resources(FUNCTION)
    assert only(found, SCHEDULE) == {
        "SecretId": COMPLETE,
        "RotationLambdaARN": {"Fn::GetAtt": [rotation, "Arn"]},
        "RotationRules": {"ScheduleExpression": "rate(30 days)"},
        "RotateImmediatelyOnUpdate": False,
    }


@pytest.mark.parametrize(
    ("every", "expression"),
    [
        (None, "rate(30 days)"),
        (Duration.days(7), "rate(7 days)"),
        (Duration.days(1), "rate(1 day)"),
        (Duration.hours(24), "rate(1 day)"),
        (Duration.hours(4), "rate(4 hours)"),
        (Duration.hours(36), "rate(36 hours)"),
        (Duration.days(1000), "rate(1000 days)"),
    ],
)
def test_the_schedule_is_by_choice(every: Duration | None, expression: str) -> None:
    assert schedule_expression(stack(), every) == expression


def test_the_choice_reaches_the_template() -> None:
    scope = stack()
    rotated_server(scope, acl_rotation(scope, every=Duration.days(7)))
    rules = only(template(scope), SCHEDULE)["RotationRules"]
    assert rules == {"ScheduleExpression": "rate(7 days)"}


@pytest.mark.parametrize(
    ("every", "message"),
    [
        (Duration.hours(3), "expected whole hours, 4 hours to 1000 days"),
        (Duration.days(1001), "expected whole hours, 4 hours to 1000 days"),
        (Duration.minutes(270), "expected whole hours, 4 hours to 1000 days"),
        (30, "every is 30; expected a Duration"),
    ],
    ids=["too often", "too seldom", "not whole", "a number"],
)
def test_a_schedule_that_secrets_manager_lacks_is_refused(every: Any, message: str) -> None:
    scope = stack()
    with _refused("every is ") as caught:
        rotated_server(scope, acl_rotation(scope, every=every))
    assert message in str(caught.value)


def test_a_schedule_that_is_a_token_is_refused() -> None:
    scope = stack()
    days = Duration.days(CfnParameter(scope, "Days", type="Number").value_as_number)
    with _refused("every is a CDK token; pass a Duration whose length is known at synth"):
        rotated_server(scope, acl_rotation(scope, every=days))


def test_only_secrets_manager_in_this_account_may_call_the_function() -> None:
    found = _server()
    [rotation] = found.find_resources(FUNCTION)
    assert only(found, PERMISSION) == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Fn::GetAtt": [rotation, "Arn"]},
        "Principal": "secretsmanager.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
    }


def test_the_secret_gets_no_policy() -> None:
    scope = stack()
    rotated_server(scope, acl_rotation(scope), secretsmanager.Secret(scope, "Secret"))
    template(scope).resource_count_is("AWS::SecretsManager::ResourcePolicy", 0)


def _needs(found: Template) -> set[str]:
    """Return what the schedule waits for."""
    [schedule] = found.find_resources(SCHEDULE).values()
    return set(schedule["DependsOn"])


def test_the_schedule_waits_for_all_that_the_function_needs() -> None:
    scope = stack()
    rotated_cache(scope, vpc(scope))
    found = template(scope)
    for kind in (FUNCTION, PERMISSION, "AWS::IAM::Policy", "AWS::EC2::SecurityGroupIngress"):
        [name] = found.find_resources(kind)
        assert name in _needs(found), kind


def test_the_schedule_waits_for_the_endpoints() -> None:
    scope = stack()
    rotated_cache(scope, vpc(scope, nat=False), vpc_endpoints=True)
    found = template(scope)
    assert found.find_resources("AWS::EC2::VPCEndpoint").keys() <= _needs(found)


def test_without_a_rotation_there_is_no_function_and_no_schedule() -> None:
    scope = stack()
    store = IdempotencyStore.redis(
        host="redis.example.com", credentials=RedisCredentials.secret(imported_secret(scope))
    )
    Idempotency(scope, "Idempotency", store=store)
    found = template(scope)
    found.resource_count_is(FUNCTION, 0)
    found.resource_count_is(SCHEDULE, 0)


def test_a_rotation_is_a_value_that_two_constructs_can_use() -> None:
    scope = stack()
    credentials = RedisCredentials.secret(rotation=RedisRotation.elasticache())
    store = IdempotencyStore.elasticache_serverless(vpc=vpc(scope), credentials=credentials)
    Idempotency(scope, "One", store=store)
    Idempotency(scope, "Two", store=store)
    template(scope).resource_count_is(SCHEDULE, 2)
