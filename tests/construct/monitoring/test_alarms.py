"""Alarms for what must never happen, with what to do."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from aws_cdk import Size
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.aws.local import ROOT
from kit.synth import reference, stack, template, vpc

OURS = {"CompletionFailed", "LeaseLost", "Parked", "StoreError"}


def _stores() -> dict[str, tuple[set[str], Any]]:
    """Return the alarms that each kind of store adds, and a function that makes it in a scope."""
    redis = IdempotencyStore.redis
    cache = IdempotencyStore.elasticache_serverless
    most = Size.gibibytes(5)
    return {
        "table": ({"Throttled"}, lambda _: IdempotencyStore.dynamodb()),
        "server": (
            {"EvictionPossible"},
            lambda _: redis(parameter="/redis", credentials=RedisCredentials.none()),
        ),
        "cache": ({"Throttled", "Evicted"}, lambda scope: cache(vpc=vpc(scope))),
        "cache with a maximum": (
            {"Throttled", "Evicted", "AlmostFull"},
            lambda scope: cache(vpc=vpc(scope), data_storage_maximum=most),
        ),
    }


STORES = _stores()


@cache
def _alarms(kind: str, **options: Any) -> tuple[dict[str, cloudwatch.Alarm], list[dict[str, Any]]]:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", store=STORES[kind][1](scope))
    alarms = idempotency.alarms(sns.Topic(scope, "Topic"), **options)
    found = template(scope).find_resources("AWS::CloudWatch::Alarm").values()
    return alarms, [resource["Properties"] for resource in found]


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
    assert set(re.findall(r"^## (\w+)$", runbook, re.MULTILINE)) == known


def test_one_event_is_enough_and_silence_is_none() -> None:
    for alarm in _alarms("table")[1]:
        assert alarm["Threshold"] == 1
        assert alarm["EvaluationPeriods"] == 1
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["TreatMissingData"] == "notBreaching"


def test_the_topic_is_told_of_the_beginning_and_of_the_end() -> None:
    scope = stack()
    topic = sns.Topic(scope, "Topic")
    Idempotency(scope, "Idempotency").alarms(topic)
    for alarm in template(scope).find_resources("AWS::CloudWatch::Alarm").values():
        assert alarm["Properties"]["AlarmActions"] == [reference(topic)]
        assert alarm["Properties"]["OKActions"] == [reference(topic)]


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
