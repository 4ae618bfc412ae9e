"""Functions that poll an SQS queue, for tests of the checks."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from kit.synth import function


def queue(scope: Stack, visibility: int | None = None) -> sqs.Queue:
    """Return a queue that hides a message for so many seconds; None: for AWS's default, 30."""
    timeout = None if visibility is None else Duration.seconds(visibility)
    return sqs.Queue(scope, "Queue", visibility_timeout=timeout)


def worker(
    scope: Stack, timeout: int | None, source: sqs.IQueue, **mapping: Any
) -> lambda_.Function:
    """Return a function that polls a queue; a timeout of None is AWS's default, 3 seconds."""
    limit = None if timeout is None else Duration.seconds(timeout)
    polling = function(scope, "Worker", timeout=limit)
    polling.add_event_source(sources.SqsEventSource(source, **mapping))
    return polling
