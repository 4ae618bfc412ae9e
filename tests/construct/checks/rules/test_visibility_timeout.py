"""A queue whose visibility timeout Lambda refuses for its function is an error."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from aws_cdk import aws_lambda_event_sources as sources

from kit.checks import attached, findings
from kit.queues import queue, worker
from kit.synth import app, function, stack

RULE = "visibility-timeout"


@pytest.mark.parametrize(
    ("visibility", "timeout", "found"),
    [
        (None, None, 0),  # AWS's defaults: 30 and 3 seconds
        (None, 30, 0),
        (None, 31, 1),
        (10, 10, 0),
        (2, None, 1),
    ],
)
def test_the_queue_hides_a_message_for_as_long_as_the_function_runs(
    visibility: int | None, timeout: int | None, found: int
) -> None:
    scope = stack()
    polling = worker(scope, timeout, queue(scope, visibility))
    assert len(findings(attached(polling), RULE)) == found


def test_a_version_may_have_another_timeout_than_the_function() -> None:
    scope = stack()
    polling = function(scope, "Worker", timeout=Duration.minutes(1))
    polling.current_version.add_event_source(sources.SqsEventSource(queue(scope)))
    assert findings(attached(polling), RULE) == []


def test_a_queue_of_another_stack_is_seen() -> None:
    scope = app()
    far = queue(stack(scope, "Queues"))
    [finding] = findings(attached(worker(stack(scope, "Workers"), 60, far)), RULE)
    assert finding.construct.node.path == "Queues/Queue/Resource"


def test_the_message_says_how_long_and_what_aws_advises() -> None:
    scope = stack()
    [finding] = findings(attached(worker(scope, 60, queue(scope))), RULE)
    assert finding.severity == "error"
    assert finding.construct.node.path == "Stack/Queue/Resource"
    assert "hides a message for 30 seconds" in finding.message
    assert "Stack/Worker may run for 1 minute" in finding.message
    assert "six times" in finding.message
