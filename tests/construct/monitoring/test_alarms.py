"""Alarms for what must never happen, each with instructions."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from aws_cdk import Duration, Size, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

from cdk_idempotency import (
    AlarmOptions,
    Idempotency,
    IdempotencyStore,
    RedisCredentials,
    RedisRotation,
)
from kit.aws.local import ROOT
from kit.synth import app, function, reference, stack, template, vpc

OURS = {"CompletionFailed", "LeaseLost", "Parked", "StoreError", "DoubleEffects"}
SECTIONS = {"ThrottledReads": "Throttled", "ThrottledWrites": "Throttled"}
KINDS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


def _rotated(scope: Stack) -> IdempotencyStore:
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret"
    user, admin = (
        secretsmanager.Secret.from_secret_complete_arn(scope, name, f"{arn}:{name}-AbCdEf")
        for name in ("user", "admin")
    )
    credentials = RedisCredentials.secret(
        user, username="app", rotation=RedisRotation.acl(admin=admin)
    )
    return IdempotencyStore.redis(host="redis.example.com", credentials=credentials)


def _found(scope: Stack, *kinds: str) -> list[dict[str, Any]]:
    """Return the properties of all alarms of these kinds in a stack."""
    synthesized = template(scope)
    return [
        resource["Properties"]
        for kind in kinds or KINDS
        for resource in synthesized.find_resources(kind).values()
    ]


def _stores() -> dict[str, tuple[set[str], Any]]:
    """Return the alarms that each kind of store adds, and a function that makes the store in a
    scope.
    """
    redis = IdempotencyStore.redis
    cache = IdempotencyStore.elasticache_serverless
    most = Size.gibibytes(5)
    return {
        "table": ({"ThrottledReads", "ThrottledWrites"}, lambda _: IdempotencyStore.dynamodb()),
        "server": (
            {"EvictionPossible"},
            lambda _: redis(parameter="/redis", credentials=RedisCredentials.none()),
        ),
        "rotated": ({"EvictionPossible", "RotationFailed"}, _rotated),
        "cache": ({"Throttled", "Evicted"}, lambda scope: cache(vpc=vpc(scope))),
        "cache with a maximum": (
            {"Throttled", "Evicted", "AlmostFull"},
            lambda scope: cache(vpc=vpc(scope), data_storage_maximum=most),
        ),
    }


STORES = _stores()


@cache
def _alarms(
    kind: str, **options: Any
) -> tuple[dict[str, cloudwatch.AlarmBase], list[dict[str, Any]]]:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", store=STORES[kind][1](scope))
    alarms = idempotency.alarms(sns.Topic(scope, "Topic"), **options)
    return alarms, _found(scope)


@pytest.mark.parametrize("kind", STORES)
def test_each_store_has_its_alarms(kind: str) -> None:
    alarms, found = _alarms(kind)
    assert alarms.keys() == OURS | STORES[kind][0]
    assert len(found) == len(alarms)


@pytest.mark.parametrize("kind", STORES)
def test_each_description_links_a_section_of_the_runbook(kind: str) -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    sections = {heading.lower() for heading in re.findall(r"^## (\w+)$", runbook, re.MULTILINE)}
    for alarm in _alarms(kind)[1]:
        description = alarm["AlarmDescription"]
        assert len(description) <= 1024
        _, anchor = description.split("Runbook: docs/runbook.md#")
        assert anchor in sections


def test_each_section_of_the_runbook_has_an_alarm() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    known = OURS.union(*(added for added, _ in STORES.values()))
    sections = {SECTIONS.get(name, name) for name in known}
    assert set(re.findall(r"^## (\w+)$", runbook, re.MULTILINE)) == sections


def test_one_event_is_enough_and_silence_is_none() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").alarms(sns.Topic(scope, "Topic"))
    for alarm in _found(scope, KINDS[0]):
        assert alarm["Threshold"] == 1
        assert alarm["EvaluationPeriods"] == 1
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize("kind", STORES)
def test_no_alarm_needs_metric_math(kind: str) -> None:
    assert not [alarm for alarm in _alarms(kind)[1] if "Metrics" in alarm]


# Who hears of it ----------------------------------------------------------------------------------


def _heard(scope: Stack) -> dict[str, list[Any]]:
    """Return what hears of each alarm, by its name."""
    found = {}
    for alarm in _found(scope):
        assert alarm.get("AlarmActions") == alarm.get("OKActions")
        name = alarm.get("MetricName", "DoubleEffects")
        found[name] = alarm.get("AlarmActions", [])
    return found


def test_the_topic_is_told_of_the_beginning_and_of_the_end() -> None:
    scope = stack()
    topic = sns.Topic(scope, "Topic")
    Idempotency(scope, "Idempotency").alarms(topic)
    heard = _heard(scope)
    assert heard.pop("CompletionFailed") == heard.pop("LeaseLost") == []
    assert all(actions == [reference(topic)] for actions in heard.values())


def test_one_alarm_tells_of_all_ways_to_a_double_effect() -> None:
    scope = stack()
    alarms = Idempotency(scope, "Idempotency").alarms(sns.Topic(scope, "Topic"))
    [composite] = _found(scope, KINDS[1])
    behind = [reference(alarms[name], "Arn") for name in ("CompletionFailed", "LeaseLost")]
    parts = composite["AlarmRule"]["Fn::Join"][1]
    assert [part for part in parts if isinstance(part, dict)] == behind
    assert "OR" in str(parts)


def test_what_can_wait_is_a_ticket() -> None:
    scope = stack()
    page, ticket = sns.Topic(scope, "Page"), sns.Topic(scope, "Ticket")
    Idempotency(scope, "Idempotency").alarms(page, ticket=ticket)
    heard = _heard(scope)
    assert heard["DoubleEffects"] == heard["StoreError"] == [reference(page)]
    waits = ("Parked", "ReadThrottleEvents", "WriteThrottleEvents")
    assert all(heard[name] == [reference(ticket)] for name in waits)


def test_several_actions_hear_of_an_alarm() -> None:
    # Without it, a function can be the action of one alarm only.
    flag = "@aws-cdk/aws-cloudwatch-actions:changeLambdaPermissionLogicalIdForLambdaAction"
    scope = stack(app({flag: True}))
    topic = sns.Topic(scope, "Topic")
    mend = actions.LambdaAction(function(scope))
    Idempotency(scope, "Idempotency").alarms([topic, mend])
    assert len(_heard(scope)["StoreError"]) == 2


def test_an_urgency_can_be_changed() -> None:
    scope = stack()
    page, ticket = sns.Topic(scope, "Page"), sns.Topic(scope, "Ticket")
    options: dict[str, AlarmOptions] = {
        "StoreError": {"urgency": "ticket"},
        "LeaseLost": {"urgency": "page"},
        "Parked": {"urgency": "none"},
    }
    Idempotency(scope, "Idempotency").alarms(page, ticket=ticket, options=options)
    heard = _heard(scope)
    assert heard["StoreError"] == [reference(ticket)]
    assert heard["LeaseLost"] == [reference(page)]
    assert heard["Parked"] == []


# Options ------------------------------------------------------------------------------------------


def test_thresholds_and_periods_can_be_changed() -> None:
    scope = stack()
    changed: AlarmOptions = {
        "threshold": 5,
        "period": Duration.minutes(1),
        "evaluation_periods": 3,
        "datapoints_to_alarm": 2,
    }
    topic = sns.Topic(scope, "Topic")
    Idempotency(scope, "Idempotency").alarms(topic, options={"StoreError": changed})
    [found] = [alarm for alarm in _found(scope) if alarm.get("MetricName") == "StoreError"]
    names = ("Threshold", "Period", "EvaluationPeriods", "DatapointsToAlarm")
    assert [found[name] for name in names] == [5, 60, 3, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"StoreErrors": {}}, "options: it has no alarm 'StoreErrors'; did you mean 'StoreError'?"),
        ({"StoreError": {"thresholds": 5}}, "an alarm has no option 'thresholds'; did you mean"),
        ({"StoreError": {"threshold": "5"}}, "threshold of StoreError is '5'; expected a number"),
        ({"StoreError": {"period": 60}}, "period of StoreError is 60; expected a Duration"),
        ({"StoreError": {"urgency": "mail"}}, "urgency of StoreError is 'mail'; expected one of"),
        ("StoreError", "options is 'StoreError'; expected options by the names of alarms"),
    ],
)
def test_a_wrong_option_is_refused(options: Any, message: str) -> None:
    scope = stack()
    with pytest.raises(ValueError, match=re.escape(message)):
        Idempotency(scope, "Idempotency").alarms(sns.Topic(scope, "Topic"), options=options)


def test_a_function_can_have_alarms_of_its_own() -> None:
    scope = stack()
    topic, payments = sns.Topic(scope, "Topic"), function(scope)
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(payments)
    alarms = idempotency.alarms(topic, function=payments)
    assert alarms.keys() == OURS
    for alarm in _found(scope, KINDS[0]):
        dimensions = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        assert dimensions["namespace"] == "Stack/Payments"
    assert idempotency.alarms(topic).keys() > OURS  # beside those of all functions


def test_alarms_of_a_function_that_is_not_attached_are_refused() -> None:
    scope = stack()
    with pytest.raises(ValueError, match="Stack/Payments is not attached here"):
        Idempotency(scope, "Idempotency").alarms(sns.Topic(scope, "T"), function=function(scope))


def test_the_runbook_may_be_a_teams_own() -> None:
    _, found = _alarms("table", runbook="https://wiki.example.com/idempotency")
    for alarm in found:
        assert "Runbook: https://wiki.example.com/idempotency#" in alarm["AlarmDescription"]


def test_a_cache_is_almost_full_before_it_forgets() -> None:
    alarms, _ = _alarms("cache with a maximum")
    resource = alarms["AlmostFull"].node.default_child
    assert isinstance(resource, cloudwatch.CfnAlarm)
    assert resource.threshold == 0.8 * 5 * 1024**3


def test_an_alarm_can_be_changed() -> None:
    scope = stack()
    alarms = Idempotency(scope, "Idempotency").alarms(sns.Topic(scope, "Topic"))
    resource = alarms["StoreError"].node.default_child
    assert isinstance(resource, cloudwatch.CfnAlarm)
    resource.threshold = 10
    template(scope).has_resource_properties("AWS::CloudWatch::Alarm", {"Threshold": 10})


def test_a_second_set_of_alarms_is_refused() -> None:
    scope = stack()
    topic = sns.Topic(scope, "Topic")
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.alarms(topic)
    with pytest.raises(ValueError, match=r"Stack/Idempotency\] it has alarms already"):
        idempotency.alarms(topic)
