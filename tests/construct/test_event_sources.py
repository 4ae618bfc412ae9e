"""Event sources that fit an attached function: its failed records, and its timeout."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from kit.checks import attached, problems
from kit.synth import function, only, stack, template

MAPPING = "AWS::Lambda::EventSourceMapping"
DEAD = {"max_receive_count": 3}


def _mapping(found: Template) -> dict[str, Any]:
    return only(found, MAPPING)


def test_a_queue_reports_failures_and_hides_messages_long_enough() -> None:
    scope = stack()
    worker = function(scope, timeout=Duration.seconds(20))
    idempotency = attached(worker, expires_after=Duration.days(15))
    dead = sqs.DeadLetterQueue(queue=sqs.Queue(scope, "Dead"), max_receive_count=3)
    queue = sqs.Queue(scope, "Queue", dead_letter_queue=dead)
    idempotency.add_queue(worker, queue, max_batching_window=Duration.seconds(5))
    assert problems(idempotency) == {}
    found = template(scope)
    assert _mapping(found)["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queues = found.find_resources("AWS::SQS::Queue", {"Properties": {"VisibilityTimeout": 125}})
    assert len(queues) == 1


def test_a_visibility_timeout_of_ones_own_stands() -> None:
    scope = stack()
    worker = function(scope)
    queue = sqs.Queue(scope, "Queue", visibility_timeout=Duration.minutes(5))
    attached(worker).add_queue(worker, queue, batch_size=1)
    found = template(scope)
    assert only(found, "AWS::SQS::Queue")["VisibilityTimeout"] == 300
    assert _mapping(found)["BatchSize"] == 1


def test_a_queue_of_another_app_stays_as_it_is() -> None:
    scope = stack()
    worker = function(scope)
    arn = "arn:aws:sqs:us-east-1:111111111111:theirs"
    attached(worker).add_queue(worker, sqs.Queue.from_queue_arn(scope, "Theirs", arn))
    assert _mapping(template(scope))["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_stream_reports_failures_from_its_oldest_record_on() -> None:
    scope = stack()
    worker = function(scope)
    attached(worker).add_stream(worker, kinesis.Stream(scope, "Stream"), retry_attempts=3)
    mapping = _mapping(template(scope))
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["MaximumRetryAttempts"] == 3


def test_a_tables_stream_does_so_too() -> None:
    scope = stack()
    worker = function(scope)
    key = dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING)
    table = dynamodb.Table(
        scope, "Orders", partition_key=key, stream=dynamodb.StreamViewType.NEW_IMAGE
    )
    latest = lambda_.StartingPosition.LATEST
    attached(worker).add_stream(worker, table, starting_position=latest)
    mapping = _mapping(template(scope))
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["StartingPosition"] == "LATEST"
