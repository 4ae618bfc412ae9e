"""A queue that gives a message back while the attempt on it may still hold the key is reported."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Fn, Stack, Token
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cdk_idempotency import Idempotency
from cdk_idempotency.checks.model.finding import Finding
from kit.checks import attached, findings
from kit.synth import app, function, stack


def _found(idempotency: Idempotency) -> list[tuple[str, str]]:
    """The ids, and on which construct."""
    found: list[Finding] = []
    for id_ in ("visibility-timeout", "visibility-lease"):
        found += findings(idempotency, id_)
    return [(each.id.removeprefix("cdk-idempotency:"), each.construct.node.path) for each in found]


def _queue(scope: Stack, visibility: int | None = None) -> sqs.Queue:
    timeout = None if visibility is None else Duration.seconds(visibility)
    return sqs.Queue(scope, "Queue", visibility_timeout=timeout)


def _worker(
    scope: Stack, timeout: int | None, queue: sqs.IQueue, **mapping: Any
) -> lambda_.Function:
    limit = None if timeout is None else Duration.seconds(timeout)
    worker = function(scope, "Worker", timeout=limit)
    worker.add_event_source(sources.SqsEventSource(queue, **mapping))
    return worker


REFUSED = [("visibility-timeout", "Stack/Queue/Resource")]
EARLY = [("visibility-lease", "Stack/Queue/Resource")]


@pytest.mark.parametrize(
    ("visibility", "timeout", "expected"),
    [
        (None, None, []),  # AWS's defaults: 30 and 3 seconds
        (None, 29, []),
        (None, 30, EARLY),
        (None, 31, REFUSED),
        (60, 10, []),
        (10, 10, EARLY),
        (2, None, REFUSED),
    ],
)
def test_the_queue_hides_a_message_for_longer_than_an_attempt_takes(
    visibility: int | None, timeout: int | None, expected: list[tuple[str, str]]
) -> None:
    scope = stack()
    worker = _worker(scope, timeout, _queue(scope, visibility))
    assert _found(attached(worker)) == expected


def test_a_longer_lease_counts() -> None:
    scope = stack()
    worker = _worker(scope, 3, _queue(scope))
    assert _found(attached(worker, lease=Duration.minutes(1))) == EARLY


def test_a_shorter_lease_does_not_count() -> None:
    scope = stack()
    worker = _worker(scope, 30, _queue(scope))
    assert _found(attached(worker, lease=Duration.seconds(3))) == EARLY


def test_the_time_in_which_a_batch_is_gathered_counts() -> None:
    scope = stack()
    worker = _worker(scope, 20, _queue(scope), max_batching_window=Duration.seconds(10))
    [finding] = findings(attached(worker), "visibility-lease")
    assert "20 seconds after 10 seconds in which its batch was gathered" in finding.message


def test_a_version_may_have_another_timeout_than_the_function() -> None:
    scope = stack()
    worker = function(scope, "Worker", timeout=Duration.minutes(1))
    worker.current_version.add_event_source(sources.SqsEventSource(_queue(scope)))
    assert _found(attached(worker)) == EARLY


def test_a_queue_of_another_stack_is_seen() -> None:
    scope = app()
    queue = _queue(stack(scope, "Queues"))
    worker = _worker(stack(scope, "Workers"), 60, queue)
    assert _found(attached(worker)) == [("visibility-timeout", "Queues/Queue/Resource")]


def test_the_message_says_how_long_and_what_aws_advises() -> None:
    scope = stack()
    worker = _worker(scope, 60, _queue(scope))
    [finding] = findings(attached(worker), "visibility-timeout")
    assert finding.severity == "error"
    assert "hides a message for 30 seconds" in finding.message
    assert "Stack/Worker may run for 1 minute" in finding.message
    assert "six times" in finding.message


@pytest.mark.parametrize("what", ["visibility", "window"])
def test_what_only_the_deployment_knows_is_none_of_ours(what: str) -> None:
    scope = stack()
    worker = function(scope, "Worker", timeout=Duration.minutes(1))
    number = Token.as_number(Fn.ref("Number"))
    queue = sqs.CfnQueue(
        scope, "Queue", visibility_timeout=number if what == "visibility" else None
    )
    lambda_.CfnEventSourceMapping(
        scope,
        "Mapping",
        function_name=worker.function_name,
        event_source_arn=queue.attr_arn,
        maximum_batching_window_in_seconds=number if what == "window" else None,
    )
    assert _found(attached(worker)) == []


def test_a_timeout_that_only_the_deployment_knows_is_none_of_ours() -> None:
    scope = stack()
    timeout = Duration.seconds(Token.as_number(Fn.ref("Seconds")))
    worker = function(scope, "Worker", timeout=timeout)
    worker.add_event_source(sources.SqsEventSource(_queue(scope)))
    assert _found(attached(worker, lease=Duration.minutes(1))) == []


def test_an_imported_queue_is_none_of_ours() -> None:
    scope = stack()
    arn = "arn:aws:sqs:us-east-1:111111111111:orders"
    worker = _worker(scope, 60, sqs.Queue.from_queue_arn(scope, "Queue", arn))
    assert _found(attached(worker)) == []


def test_a_function_that_is_not_attached_is_none_of_ours() -> None:
    scope = stack()
    _worker(scope, 60, _queue(scope))
    assert _found(attached(function(scope))) == []
