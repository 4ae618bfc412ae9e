"""A batch mapping that ignores which records have failed is reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_pipes as pipes
from aws_cdk import aws_secretsmanager as secretsmanager
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


# Kafka --------------------------------------------------------------------------------------------


def _msk(scope: Stack, **options: Any) -> lambda_.IEventSource:
    arn = "arn:aws:kafka:us-east-1:111111111111:cluster/shop/abcd"
    return sources.ManagedKafkaEventSource(cluster_arn=arn, **_KAFKA, **options)


def _self_managed(scope: Stack, **options: Any) -> lambda_.IEventSource:
    secret = secretsmanager.Secret(scope, "Secret")
    brokers = ["b-1.example.com:9092"]
    return sources.SelfManagedKafkaEventSource(
        bootstrap_servers=brokers, secret=secret, **_KAFKA, **options
    )


_KAFKA: dict[str, Any] = {
    "topic": "orders",
    "starting_position": lambda_.StartingPosition.TRIM_HORIZON,
}
_PROVISIONED: dict[str, Any] = {
    "provisioned_poller_config": {"minimum_pollers": 1, "maximum_pollers": 3}
}
EACH_KAFKA = pytest.mark.parametrize("source", [_msk, _self_managed])


@EACH_KAFKA
@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({}, "ReportBatchItemFailures and provisioned mode"),
        (_PROVISIONED, "ReportBatchItemFailures"),
        ({**_PROVISIONED, "report_batch_item_failures": True}, None),
    ],
    ids=["on demand", "provisioned", "both"],
)
def test_kafka_reports_in_provisioned_mode_alone(
    source: Source, options: dict[str, Any], missing: str | None
) -> None:
    scope = stack()
    payments, idempotency = _attached(scope)
    payments.add_event_source(source(scope, **options))
    found = [finding.message for finding in findings(idempotency, RULE)]
    assert [f"lacks {missing}, so" in message for message in found] == ([True] if missing else [])


def test_a_raw_kafka_mapping_on_demand_is_reported_whatever_it_asks_for() -> None:
    scope = stack()
    payments, idempotency = _attached(scope)
    lambda_.CfnEventSourceMapping(
        scope,
        "Mapping",
        function_name=payments.function_name,
        event_source_arn="arn:aws:kafka:us-east-1:111111111111:cluster/shop/abcd",
        topics=["orders"],
        function_response_types=["ReportBatchItemFailures"],
    )
    [finding] = findings(idempotency, RULE)
    assert "lacks provisioned mode, so" in finding.message


# Pipes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [None, "REQUEST_RESPONSE", "FIRE_AND_FORGET"])
def test_a_pipe_that_does_not_wait_is_reported(kind: str | None) -> None:
    scope = stack()
    payments, idempotency = _attached(scope)
    queue = sqs.Queue(scope, "Queue")
    properties = pipes.CfnPipe.PipeTargetLambdaFunctionParametersProperty(invocation_type=kind)
    pipes.CfnPipe(
        scope,
        "Pipe",
        role_arn="arn:aws:iam::111111111111:role/pipe",
        source=queue.queue_arn,
        target=payments.function_arn,
        target_parameters=None
        if kind is None
        else pipes.CfnPipe.PipeTargetParametersProperty(lambda_function_parameters=properties),
    )
    found = [finding.construct.node.path for finding in findings(idempotency, RULE)]
    assert found == (["Stack/Pipe"] if kind == "FIRE_AND_FORGET" else [])


def _attached(scope: Stack) -> tuple[lambda_.Function, Idempotency]:
    payments = function(scope)
    return payments, attached(payments)
