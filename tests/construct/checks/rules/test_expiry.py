"""Answers that expire before their source stops to deliver an event again are reported."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Fn, Stack, Token
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs

from cdk_idempotency.checks.model.finding import Finding
from kit.checks import attached, findings
from kit.synth import app, function, stack

HOURS = Duration.hours


def _expiry(function: lambda_.Function, **props: Any) -> list[Finding]:
    return findings(attached(function, **props), "expiry")


def _consumer(queue: sqs.IQueue, scope: Stack | None = None) -> lambda_.Function:
    worker = function(Stack.of(queue) if scope is None else scope)
    worker.add_event_source(sources.SqsEventSource(queue))
    return worker


def _queue(scope: Stack, *, times: int | None = None, **options: Any) -> sqs.Queue:
    """A queue; with `times`, one whose messages end in another queue after so many deliveries."""
    if times is None:
        return sqs.Queue(scope, "Queue", **options)
    dead = sqs.DeadLetterQueue(queue=sqs.Queue(scope, "Dead"), max_receive_count=times)
    return sqs.Queue(scope, "Queue", dead_letter_queue=dead, **options)


def test_a_queue_that_delivers_for_four_days_outlasts_an_answer_of_one() -> None:
    [finding] = _expiry(_consumer(_queue(stack())))
    assert finding.severity == "warning"
    assert finding.construct.node.path.startswith("Stack/Payments/SqsEventSource:")
    assert finding.message == (
        "Stack/Queue delivers a message again for up to 4 days, but the answers of Stack/Payments "
        "expire after 1 day, and a delivery after that runs again. Pass an expires_after of at "
        "least 4 days to Idempotency or attach(), or a dead_letter_queue to the queue."
    )


@pytest.mark.parametrize(("retention", "found"), [(24, 0), (25, 1)])
def test_the_retention_of_a_queue_counts(retention: int, found: int) -> None:
    queue = _queue(stack(), retention_period=HOURS(retention))
    assert len(_expiry(_consumer(queue))) == found


def test_answers_that_are_kept_as_long_as_the_queue_delivers_are_in_order() -> None:
    assert _expiry(_consumer(_queue(stack())), expires_after=Duration.days(4)) == []


@pytest.mark.parametrize(("times", "found"), [(3, 0), (4, 0), (5, 1)])
def test_a_dead_letter_queue_ends_the_deliveries(times: int, found: int) -> None:
    queue = _queue(stack(), times=times, visibility_timeout=HOURS(6))
    assert len(_expiry(_consumer(queue))) == found


def test_retention_ends_the_deliveries_before_the_dead_letter_queue_does() -> None:
    queue = _queue(stack(), times=10, visibility_timeout=HOURS(12), retention_period=HOURS(13))
    assert _expiry(_consumer(queue)) == []


def test_a_message_that_is_moved_back_keeps_a_business_key() -> None:
    [finding] = _expiry(_consumer(_queue(stack(), times=3)), key="body.order_id")
    assert "can be moved back from Stack/Dead, with the same key, for up to 4 days" in (
        finding.message
    )


def test_a_dead_letter_queue_of_another_stack_is_seen() -> None:
    scope = app()
    dead = sqs.Queue(stack(scope, "Dead"), "Queue")
    policy = sqs.DeadLetterQueue(queue=dead, max_receive_count=3)
    queue = sqs.Queue(stack(scope, "Queues"), "Queue", dead_letter_queue=policy)
    worker = _consumer(queue, stack(scope, "Workers"))
    [finding] = _expiry(worker, key="body.order_id")
    assert "moved back from Dead/Queue" in finding.message


def test_answers_that_outlast_the_dead_letter_queue_are_in_order() -> None:
    worker = _consumer(_queue(stack(), times=3))
    assert _expiry(worker, key="body.order_id", expires_after=Duration.days(4)) == []


def test_a_raw_queue_with_a_redrive_policy_is_understood() -> None:
    scope = stack()
    queue = sqs.CfnQueue(
        scope, "Queue", redrive_policy={"deadLetterTargetArn": "arn:x", "maxReceiveCount": "3"}
    )
    assert _expiry(_consumer(sqs.Queue.from_queue_arn(scope, "Q", queue.attr_arn))) == []


@pytest.mark.parametrize(
    "options",
    [
        {"message_retention_period": Token.as_number(Fn.ref("Seconds"))},
        {"redrive_policy": Token.as_any(Fn.ref("Policy"))},
        {"redrive_policy": {"deadLetterTargetArn": "arn:x", "maxReceiveCount": Fn.ref("Count")}},
    ],
    ids=["retention", "policy", "count"],
)
def test_what_only_the_deployment_knows_of_a_queue_is_none_of_ours(options: Any) -> None:
    scope = stack()
    queue = sqs.CfnQueue(scope, "Queue", **options)
    assert _expiry(_consumer(sqs.Queue.from_queue_arn(scope, "Q", queue.attr_arn))) == []


def test_an_imported_queue_is_none_of_ours() -> None:
    scope = stack()
    arn = "arn:aws:sqs:us-east-1:111111111111:orders"
    assert _expiry(_consumer(sqs.Queue.from_queue_arn(scope, "Q", arn))) == []


def _reader(scope: Stack, stream: kinesis.IStream, **options: Any) -> lambda_.Function:
    start = lambda_.StartingPosition.TRIM_HORIZON
    worker = function(scope)
    worker.add_event_source(sources.KinesisEventSource(stream, starting_position=start, **options))
    return worker


@pytest.mark.parametrize(
    ("retention", "options", "found"),
    [
        (None, {}, 0),  # AWS's default is 24 hours
        (24, {}, 0),
        (48, {}, 1),
        (48, {"max_record_age": HOURS(24)}, 0),
        (48, {"max_record_age": HOURS(25)}, 1),
        (48, {"retry_attempts": 10}, 0),
    ],
)
def test_what_ends_the_retries_of_a_stream(
    retention: int | None, options: dict[str, Any], found: int
) -> None:
    scope = stack()
    period = None if retention is None else HOURS(retention)
    stream = kinesis.Stream(scope, "Stream", retention_period=period)
    assert len(_expiry(_reader(scope, stream, **options))) == found


def test_a_stream_is_seen_behind_its_consumer() -> None:
    scope = stack()
    stream = kinesis.Stream(scope, "Stream", retention_period=Duration.days(7))
    consumer = kinesis.StreamConsumer(
        scope, "Consumer", stream=stream, stream_consumer_name="payments"
    )
    worker = function(scope)
    start = lambda_.StartingPosition.LATEST
    worker.add_event_source(sources.KinesisConsumerEventSource(consumer, starting_position=start))
    [finding] = _expiry(worker)
    assert "delivers a record again for up to 7 days" in finding.message


def test_a_retention_that_only_the_deployment_knows_is_none_of_ours() -> None:
    scope = stack()
    hours = Token.as_number(Fn.ref("Hours"))
    stream = kinesis.CfnStream(scope, "Raw", retention_period_hours=hours)
    imported = kinesis.Stream.from_stream_arn(scope, "Stream", stream.attr_arn)
    assert _expiry(_reader(scope, imported), expires_after=HOURS(1)) == []


@pytest.mark.parametrize(("expires", "found"), [(24, 0), (23, 1)])
@pytest.mark.parametrize("kind", [dynamodb.Table, dynamodb.TableV2])
def test_a_stream_of_dynamodb_retries_for_a_day(kind: Any, expires: int, found: int) -> None:
    scope = stack()
    name = "stream" if kind is dynamodb.Table else "dynamo_stream"
    table = kind(
        scope,
        "Orders",
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        **{name: dynamodb.StreamViewType.NEW_IMAGE},
    )
    worker = function(scope)
    start = lambda_.StartingPosition.TRIM_HORIZON
    worker.add_event_source(sources.DynamoEventSource(table, starting_position=start))
    assert len(_expiry(worker, expires_after=HOURS(expires))) == found


def _by_bucket(scope: Stack, target: lambda_.IFunction) -> None:
    destination = notifications.LambdaDestination(target)
    s3.Bucket(scope, "Bucket").add_event_notification(s3.EventType.OBJECT_CREATED, destination)


def _by_topic(scope: Stack, target: lambda_.IFunction) -> None:
    sns.Topic(scope, "Topic").add_subscription(subscriptions.LambdaSubscription(target))


def _by_rule(scope: Stack, target: lambda_.IFunction) -> None:
    schedule = events.Schedule.rate(HOURS(1))
    events.Rule(scope, "Rule", schedule=schedule, targets=[targets.LambdaFunction(target)])


@pytest.mark.parametrize("source", [_by_bucket, _by_topic, _by_rule])
@pytest.mark.parametrize(("expires", "found"), [(6, 0), (5, 1)])
def test_asynchronous_events_are_retried_for_six_hours(
    source: Any, expires: int, found: int
) -> None:
    scope = stack()
    worker = function(scope)
    source(scope, worker)
    assert len(_expiry(worker, expires_after=HOURS(expires))) == found


def test_the_alias_of_a_function_is_seen() -> None:
    scope = stack()
    worker = function(scope)
    alias = lambda_.Alias(scope, "Live", alias_name="live", version=worker.current_version)
    _by_topic(scope, alias)
    assert len(_expiry(worker, expires_after=HOURS(1))) == 1


@pytest.mark.parametrize(("age", "found"), [(1, 0), (3, 1), (None, 1)])
def test_the_maximum_age_of_events_counts(age: int | None, found: int) -> None:
    scope = stack()
    worker = function(scope)
    _by_topic(scope, worker)
    worker.configure_async_invoke(
        max_event_age=None if age is None else HOURS(age), retry_attempts=1
    )
    assert len(_expiry(worker, expires_after=HOURS(2))) == found


def test_an_age_that_only_the_deployment_knows_is_none_of_ours() -> None:
    scope = stack()
    worker = function(scope)
    lambda_.CfnEventInvokeConfig(
        scope,
        "Config",
        function_name=worker.function_name,
        qualifier="$LATEST",
        maximum_event_age_in_seconds=Token.as_number(Fn.ref("Seconds")),
    )
    assert _expiry(worker, expires_after=HOURS(1)) == []


def test_a_function_that_nothing_invokes_asynchronously_is_in_order() -> None:
    assert _expiry(function(stack()), expires_after=Duration.seconds(1)) == []
