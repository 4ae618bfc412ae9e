"""The metrics that the construct offers are those that the runtime writes."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.synth import function, only, reference, stack, template, variables
from lambda_idempotency.contract.names import METRIC_NAMESPACE, METRICS


def _method(name: str) -> str:
    return "metric_" + "".join(f"_{c.lower()}" if c.isupper() else c for c in name)[1:]


def _config(scope: Stack, metric: cloudwatch.Metric) -> dict[str, Any]:
    cloudwatch.Alarm(scope, "Alarm", metric=metric, threshold=1, evaluation_periods=1)
    return only(template(scope), "AWS::CloudWatch::Alarm")


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_method(name: str) -> None:
    metric = getattr(Idempotency(stack(), "Idempotency"), _method(name))()
    assert metric.metric_name == name
    assert metric.namespace == METRIC_NAMESPACE
    assert metric.statistic == ("p99" if name == "StoreLatency" else "Sum")


def test_there_are_no_other_methods() -> None:
    found = {name for name in dir(Idempotency) if name.startswith("metric_")}
    assert found == {_method(name) for name in METRICS}


def test_another_name_is_refused() -> None:
    idempotency = Idempotency(stack(), "Idempotency")
    with pytest.raises(ValueError, match=r"Idempotency\] Executions is no metric; .*Executed"):
        idempotency.metric("Executions")


def test_a_metric_of_all_functions_has_the_store_that_the_runtime_names() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(function(scope))
    found = _config(scope, idempotency.metric_parked())
    assert found["Dimensions"] == [
        {"Name": "store", "Value": reference(idempotency.node.find_child("Table"))}
    ]
    assert variables(template(scope))["IDEMPOTENCY_TABLE"] == found["Dimensions"][0]["Value"]


def test_a_metric_of_one_function_has_its_namespace_too() -> None:
    scope = stack()
    table = dynamodb.Table.from_table_name(scope, "Table", "records")
    store = IdempotencyStore.dynamodb(table=table)
    idempotency = Idempotency(scope, "Idempotency", store=store)
    found = _config(scope, idempotency.metric_parked(namespace="Payments"))
    assert found["Dimensions"] == [
        {"Name": "namespace", "Value": "Payments"},
        {"Name": "store", "Value": "records"},
    ]


def test_a_redis_store_is_named_by_its_parameter() -> None:
    scope = stack()
    store = IdempotencyStore.redis(parameter="/redis", credentials=RedisCredentials.none())
    idempotency = Idempotency(scope, "Idempotency", store=store)
    found = _config(scope, idempotency.metric_executed())
    assert found["Dimensions"] == [{"Name": "store", "Value": "/redis"}]


def test_options_win_over_the_defaults() -> None:
    metric = Idempotency(stack(), "Idempotency").metric_store_latency(
        statistic="p50", period=Duration.minutes(1), label="median", color="#ff0000"
    )
    assert metric.statistic == "p50"
    assert metric.period.to_seconds() == 60
    assert (metric.label, metric.color) == ("median", "#ff0000")


@pytest.mark.parametrize(("metrics", "written"), [(True, None), (False, "false")])
def test_metrics_can_be_switched_off(*, metrics: bool, written: str | None) -> None:
    scope = stack()
    Idempotency(scope, "Idempotency", metrics=metrics).attach(function(scope))
    assert variables(template(scope)).get("IDEMPOTENCY_METRICS") == written
