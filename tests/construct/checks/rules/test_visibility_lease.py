"""A queue that redelivers a message while an attempt may still hold its key is reported."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Fn, Token
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cdk_idempotency import Idempotency
from kit.checks import attached, findings
from kit.queues import queue, worker
from kit.synth import durable, function, share_environments, stack

RULE = "visibility-lease"


def _found(idempotency: Idempotency) -> list[tuple[str, str]]:
    """Return the ids of both visibility rules that have findings, each with its construct."""
    found = [*findings(idempotency, "visibility-timeout"), *findings(idempotency, RULE)]
    return [(each.id.removeprefix("cdk-idempotency:"), each.construct.node.path) for each in found]


REFUSED = [("visibility-timeout", "Stack/Queue/Resource")]
EARLY = [(RULE, "Stack/Queue/Resource")]


@pytest.mark.parametrize(
    ("visibility", "timeout", "expected"),
    [
        (None, None, []),  # AWS's defaults: 30 and 3 seconds
        (None, 27, []),
        (None, 28, EARLY),  # a lease outlasts its invocation by 2 seconds
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
    polling = worker(scope, timeout, queue(scope, visibility))
    assert _found(attached(polling)) == expected


def test_a_longer_lease_counts() -> None:
    scope = stack()
    polling = worker(scope, 3, queue(scope))
    assert _found(attached(polling, lease=Duration.minutes(1))) == EARLY


def test_a_shorter_lease_does_not_count() -> None:
    scope = stack()
    polling = worker(scope, 30, queue(scope))
    assert _found(attached(polling, lease=Duration.seconds(3))) == EARLY


@pytest.mark.parametrize(
    ("visibility", "options", "expected"),
    [
        (60, {}, EARLY),  # a heartbeat renews a lease of a minute
        (61, {}, []),
        (900, {"heartbeat": False}, EARLY),  # nothing stops an attempt at its timeout
        (901, {"heartbeat": False}, []),
        (31, {"lease": Duration.seconds(30)}, []),
    ],
)
def test_an_environment_for_several_invocations_has_another_lease(
    visibility: int, options: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    scope = stack()
    polling = worker(scope, 3, queue(scope, visibility))
    share_environments(polling)
    assert _found(attached(polling, **options)) == expected


def test_the_time_in_which_a_batch_is_gathered_counts() -> None:
    scope = stack()
    polling = worker(scope, 20, queue(scope), max_batching_window=Duration.seconds(10))
    [finding] = findings(attached(polling), RULE)
    assert finding.severity == "warning"
    assert "22 seconds after 10 seconds in which its batch was gathered" in finding.message


def test_a_version_whose_timeout_may_be_another_one_is_seen() -> None:
    scope = stack()
    polling = function(scope, "Worker", timeout=Duration.minutes(1))
    polling.current_version.add_event_source(sources.SqsEventSource(queue(scope)))
    assert _found(attached(polling)) == EARLY


@pytest.mark.parametrize("what", ["visibility", "window"])
def test_what_only_the_deployment_knows_is_none_of_ours(what: str) -> None:
    scope = stack()
    polling = function(scope, "Worker", timeout=Duration.minutes(1))
    number = Token.as_number(Fn.ref("Number"))
    raw = sqs.CfnQueue(scope, "Queue", visibility_timeout=number if what == "visibility" else None)
    lambda_.CfnEventSourceMapping(
        scope,
        "Mapping",
        function_name=polling.function_name,
        event_source_arn=raw.attr_arn,
        maximum_batching_window_in_seconds=number if what == "window" else None,
    )
    assert _found(attached(polling)) == []


def test_a_timeout_that_only_the_deployment_knows_is_none_of_ours() -> None:
    scope = stack()
    timeout = Duration.seconds(Token.as_number(Fn.ref("Seconds")))
    polling = function(scope, "Worker", timeout=timeout)
    polling.add_event_source(sources.SqsEventSource(queue(scope)))
    assert _found(attached(polling, lease=Duration.minutes(1))) == []


def test_an_imported_queue_is_none_of_ours() -> None:
    scope = stack()
    arn = "arn:aws:sqs:us-east-1:111111111111:orders"
    polling = worker(scope, 60, sqs.Queue.from_queue_arn(scope, "Queue", arn))
    assert _found(attached(polling)) == []


def test_a_function_that_is_not_attached_is_none_of_ours() -> None:
    scope = stack()
    worker(scope, 60, queue(scope))
    assert _found(attached(function(scope))) == []


@pytest.mark.parametrize(
    ("visibility", "execution", "shared", "expected"),
    [
        (60, 59, False, []),
        (60, 60, False, EARLY),
        (900, 3600, False, EARLY),  # a mapping's execution ends after 15 minutes
        (901, 3600, False, []),
        (3600, 3600, True, EARLY),
        (5401, 7200, True, []),  # and after 90 on Managed Instances
    ],
)
def test_a_queue_hides_a_message_for_as_long_as_its_execution_may_take(
    visibility: int, execution: int, *, shared: bool, expected: list[tuple[str, str]]
) -> None:
    scope = stack()
    polling = function(scope, "Worker", durable_config=durable(execution))
    polling.add_event_source(sources.SqsEventSource(queue(scope, visibility)))
    if shared:
        share_environments(polling)
    assert _found(attached(polling)) == expected
