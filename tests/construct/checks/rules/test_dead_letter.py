"""Queues and streams whose failing records go nowhere are reported."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Fn, Token
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cdk_idempotency.checks.model.finding import Finding
from kit.checks import attached, findings
from kit.synth import function, stack

LIMITS = [{"retry_attempts": 3}, {"max_record_age": Duration.hours(1)}]


def _of_queue(**options: Any) -> list[Finding]:
    scope = stack()
    queue = sqs.CfnQueue(scope, "Queue", **options)
    worker = function(scope)
    source = sqs.Queue.from_queue_arn(scope, "Source", queue.attr_arn)
    worker.add_event_source(sources.SqsEventSource(source))
    return findings(attached(worker), "dead-letter")


def _of_stream(*, dead: bool = False, **options: Any) -> list[Finding]:
    scope = stack()
    worker = function(scope)
    start = lambda_.StartingPosition.LATEST
    stream = kinesis.Stream(scope, "Stream")
    if dead:
        options["on_failure"] = sources.SqsDlq(sqs.Queue(scope, "Dead"))
    worker.add_event_source(sources.KinesisEventSource(stream, starting_position=start, **options))
    return findings(attached(worker), "dead-letter")


def test_a_queue_without_a_dead_letter_queue_is_reported() -> None:
    [finding] = _of_queue()
    assert finding.construct.node.path == "Stack/Queue"
    assert "delivered to Stack/Payments again and again for up to 4 days" in finding.message


def test_the_retention_of_the_queue_is_in_the_message() -> None:
    [finding] = _of_queue(message_retention_period=3600)
    assert "for up to 1 hour" in finding.message


def test_a_retention_that_only_the_deployment_knows_is_not_guessed() -> None:
    [finding] = _of_queue(message_retention_period=Token.as_number(Fn.ref("Seconds")))
    assert "until its retention ends" in finding.message


@pytest.mark.parametrize(
    "policy",
    [
        {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:111111111111:dead", "maxReceiveCount": 3},
        Token.as_any(Fn.ref("Policy")),
    ],
    ids=["known", "token"],
)
def test_a_queue_with_a_redrive_policy_is_in_order(policy: Any) -> None:
    assert _of_queue(redrive_policy=policy) == []


def test_a_stream_that_is_retried_forever_is_reported() -> None:
    [finding] = _of_stream()
    assert finding.construct.node.path.startswith("Stack/Payments/KinesisEventSource:")
    assert "stops its shard until it expires" in finding.message


def test_a_destination_alone_does_not_let_the_shard_go_on() -> None:
    [finding] = _of_stream(dead=True)
    assert "stops its shard" in finding.message


@pytest.mark.parametrize("limit", LIMITS, ids=["retries", "age"])
def test_a_stream_with_a_limit_loses_its_records_without_a_destination(limit: Any) -> None:
    [finding] = _of_stream(**limit)
    assert "lost after its last retry" in finding.message


@pytest.mark.parametrize("limit", LIMITS, ids=["retries", "age"])
def test_a_stream_with_a_limit_and_a_destination_is_in_order(limit: Any) -> None:
    assert _of_stream(dead=True, **limit) == []


def test_a_limit_that_only_the_deployment_knows_is_one() -> None:
    scope = stack()
    worker = function(scope)
    lambda_.CfnEventSourceMapping(
        scope,
        "Mapping",
        function_name=worker.function_name,
        event_source_arn="arn:aws:kinesis:us-east-1:111111111111:stream/orders",
        starting_position="LATEST",
        maximum_retry_attempts=Token.as_number(Fn.ref("Retries")),
        destination_config={"on_failure": {"destination": "arn:aws:sqs:::dead"}},
    )
    assert findings(attached(worker), "dead-letter") == []


def test_kafka_is_none_of_ours() -> None:
    scope = stack()
    worker = function(scope)
    lambda_.CfnEventSourceMapping(
        scope,
        "Mapping",
        function_name=worker.function_name,
        event_source_arn="arn:aws:kafka:us-east-1:111111111111:cluster/orders/1",
        starting_position="LATEST",
        topics=["orders"],
    )
    assert findings(attached(worker), "dead-letter") == []


def test_an_imported_queue_is_none_of_ours() -> None:
    scope = stack()
    worker = function(scope)
    arn = "arn:aws:sqs:us-east-1:111111111111:orders"
    queue = sqs.Queue.from_queue_arn(scope, "Queue", arn)
    worker.add_event_source(sources.SqsEventSource(queue))
    assert findings(attached(worker), "dead-letter") == []
