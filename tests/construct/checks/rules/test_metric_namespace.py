"""Metrics of a namespace that nothing writes to are reported."""

from __future__ import annotations

from aws_cdk import Fn

from kit.checks import attached, findings
from kit.synth import function, stack

RULE = "metric-namespace"


def test_a_misspelt_namespace_is_reported_with_the_nearest_one() -> None:
    idempotency = attached(function(stack()))
    idempotency.metric_replayed(namespace="app/Stack/Payment")
    [finding] = findings(idempotency, RULE)
    assert finding.construct.node.path == "Stack/Idempotency"
    assert "'app/Stack/Payment', which no function writes to" in finding.message
    assert "did you mean 'app/Stack/Payments'?" in finding.message


def test_the_namespace_of_an_attached_function_is_fine() -> None:
    idempotency = attached(function(stack()))
    [namespace] = idempotency.namespaces.values()
    idempotency.metric_replayed(namespace=namespace)
    assert findings(idempotency, RULE) == []


def test_a_function_may_be_attached_after_its_metric() -> None:
    scope = stack()
    idempotency = attached(function(scope))
    idempotency.metric_replayed(namespace="app/Stack/Refunds")
    idempotency.attach(function(scope, "Refunds"))
    assert findings(idempotency, RULE) == []


def test_the_namespace_of_a_grantee_is_fine() -> None:
    scope = stack()
    idempotency = attached(function(scope))
    idempotency.metric_replayed(namespace="worker")
    assert len(findings(idempotency, RULE)) == 1
    idempotency.grant_use(function(scope, "Worker"), namespace="worker")
    assert findings(idempotency, RULE) == []


def test_a_grantee_of_all_records_may_write_under_any_namespace() -> None:
    scope = stack()
    idempotency = attached(function(scope))
    idempotency.metric_replayed(namespace="worker")
    idempotency.grant_use(function(scope, "Worker"))
    assert findings(idempotency, RULE) == []


def test_a_token_is_none_of_ours() -> None:
    idempotency = attached(function(stack()))
    idempotency.metric_replayed(namespace=Fn.ref("Namespace"))
    assert findings(idempotency, RULE) == []
