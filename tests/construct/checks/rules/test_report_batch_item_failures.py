"""A mapping of a batch takes notice of which records have failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cdk_idempotency import Idempotency
from kit.checks import attached, findings
from kit.synth import function, stack

RULE = "report-batch-item-failures"


def _queue(scope: Stack, **options: Any) -> lambda_.IEventSource:
    return sources.SqsEventSource(sqs.Queue(scope, "Queue"), **options)


def _stream(scope: Stack, **options: Any) -> lambda_.IEventSource:
    start = lambda_.StartingPosition.TRIM_HORIZON
    stream = kinesis.Stream(scope, "Stream")
    return sources.KinesisEventSource(stream, starting_position=start, **options)


def _table(scope: Stack, **options: Any) -> lambda_.IEventSource:
    table = dynamodb.Table(
        scope,
        "Table",
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        stream=dynamodb.StreamViewType.NEW_IMAGE,
    )
    start = lambda_.StartingPosition.TRIM_HORIZON
    return sources.DynamoEventSource(table, starting_position=start, **options)


EACH = pytest.mark.parametrize("source", [_queue, _stream, _table])
Source = Callable[..., lambda_.IEventSource]


@EACH
def test_a_mapping_without_partial_responses_is_reported(source: Source) -> None:
    scope = stack()
    payments, idempotency = _attached(scope)
    payments.add_event_source(source(scope))
    [finding] = findings(idempotency, RULE)
    assert "Stack/Payments lacks ReportBatchItemFailures" in finding.message


@EACH
def test_a_mapping_with_partial_responses_is_in_order(source: Source) -> None:
    scope = stack()
    payments, idempotency = _attached(scope)
    payments.add_event_source(source(scope, report_batch_item_failures=True))
    assert findings(idempotency, RULE) == []


def test_a_mapping_that_was_there_before_is_reported() -> None:
    scope = stack()
    payments = function(scope)
    payments.add_event_source(_queue(scope))
    assert len(findings(attached(payments), RULE)) == 1


@pytest.mark.parametrize("alias", [False, True])
def test_a_mapping_of_a_version_or_alias_is_reported(*, alias: bool) -> None:
    scope = stack()
    payments, idempotency = _attached(scope)
    version = payments.current_version
    target = lambda_.Alias(scope, "Live", alias_name="live", version=version) if alias else version
    target.add_event_source(_queue(scope))
    assert len(findings(idempotency, RULE)) == 1


def test_a_raw_mapping_is_reported() -> None:
    scope = stack()
    payments, idempotency = _attached(scope)
    lambda_.CfnEventSourceMapping(
        scope,
        "Mapping",
        function_name=payments.function_arn,
        event_source_arn=sqs.Queue(scope, "Queue").queue_arn,
    )
    assert len(findings(idempotency, RULE)) == 1


def test_a_mapping_of_another_function_is_none_of_ours() -> None:
    scope = stack()
    _, idempotency = _attached(scope)
    function(scope, "Other").add_event_source(_queue(scope))
    assert findings(idempotency, RULE) == []


def test_a_source_without_partial_responses_is_none_of_ours() -> None:
    scope = stack()
    payments, idempotency = _attached(scope)
    lambda_.CfnEventSourceMapping(
        scope,
        "Mapping",
        function_name=payments.function_name,
        event_source_arn="arn:aws:mq:us-east-1:111111111111:broker:orders:b-1",
        queues=["orders"],
    )
    assert findings(idempotency, RULE) == []


def _attached(scope: Stack) -> tuple[lambda_.Function, Idempotency]:
    payments = function(scope)
    return payments, attached(payments)
