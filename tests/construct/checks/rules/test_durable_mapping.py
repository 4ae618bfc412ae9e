"""A durable function gets no batches."""

from __future__ import annotations

from aws_cdk import aws_lambda_event_sources as sources

from kit.checks import attached, findings
from kit.queues import queue, worker
from kit.synth import durable, function, stack

RULE = "durable-mapping"


def test_a_mapping_to_a_durable_function_is_reported() -> None:
    scope = stack()
    orders = function(scope, durable_config=durable(60))
    orders.current_version.add_event_source(sources.SqsEventSource(queue(scope)))
    [finding] = findings(attached(orders), RULE)
    assert finding.severity == "warning"
    assert "starts an execution of Stack/Payments for each batch" in finding.message


def test_a_durable_function_without_one_is_in_order() -> None:
    assert findings(attached(function(stack(), durable_config=durable(60))), RULE) == []


def test_an_ordinary_function_gets_batches() -> None:
    scope = stack()
    assert findings(attached(worker(scope, 3, queue(scope))), RULE) == []
