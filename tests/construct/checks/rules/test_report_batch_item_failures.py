"""A mapping whose batches would be retried as a whole, or lost in part, is warned of."""

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
from aws_cdk.assertions import Annotations, Match

from cdk_idempotency import Idempotency
from kit.synth import function, stack

ID = "cdk-idempotency:report-batch-item-failures"


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


def _warnings(scope: Stack) -> list[str]:
    found = Annotations.from_stack(scope).find_warning("*", Match.any_value())
    return [str(entry.entry.data) for entry in found if ID in str(entry.entry.data)]


def _attached(scope: Stack) -> lambda_.Function:
    attached = function(scope)
    Idempotency(scope, "Idempotency").attach(attached)
    return attached


@EACH
def test_a_mapping_without_partial_responses_is_warned_of(source: Source) -> None:
    scope = stack()
    _attached(scope).add_event_source(source(scope))
    [warning] = _warnings(scope)
    assert "Stack/Payments lacks ReportBatchItemFailures" in warning


@EACH
def test_a_mapping_with_partial_responses_is_in_order(source: Source) -> None:
    scope = stack()
    _attached(scope).add_event_source(source(scope, report_batch_item_failures=True))
    assert _warnings(scope) == []


def test_a_mapping_that_was_there_before_is_warned_of() -> None:
    scope = stack()
    attached = function(scope)
    attached.add_event_source(_queue(scope))
    Idempotency(scope, "Idempotency").attach(attached)
    assert len(_warnings(scope)) == 1


@pytest.mark.parametrize("alias", [False, True])
def test_a_mapping_of_a_version_or_alias_is_warned_of(*, alias: bool) -> None:
    scope = stack()
    version = _attached(scope).current_version
    target = lambda_.Alias(scope, "Live", alias_name="live", version=version) if alias else version
    target.add_event_source(_queue(scope))
    assert len(_warnings(scope)) == 1


def test_a_raw_mapping_is_warned_of() -> None:
    scope = stack()
    queue = sqs.Queue(scope, "Queue")
    lambda_.CfnEventSourceMapping(
        scope,
        "Mapping",
        function_name=_attached(scope).function_arn,
        event_source_arn=queue.queue_arn,
    )
    assert len(_warnings(scope)) == 1


def test_a_mapping_of_another_function_is_none_of_ours() -> None:
    scope = stack()
    _attached(scope)
    function(scope, "Other").add_event_source(_queue(scope))
    assert _warnings(scope) == []


def test_a_source_without_partial_responses_is_none_of_ours() -> None:
    scope = stack()
    lambda_.CfnEventSourceMapping(
        scope,
        "Mapping",
        function_name=_attached(scope).function_name,
        event_source_arn="arn:aws:mq:us-east-1:111111111111:broker:orders:b-1",
        queues=["orders"],
    )
    assert _warnings(scope) == []
