"""Event sources whose settings fit an attached function."""

from __future__ import annotations

from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from .functions.defaults import TIMEOUT
from .inspection import resource_of

FACTOR: Final = 6
"""The visibility timeout in timeouts of the function, as AWS advises
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html)."""


def queue_source(
    function: lambda_.Function, queue: sqs.IQueue, options: dict[str, Any]
) -> sources.SqsEventSource:
    """Return the event source of a queue, which reports failed records. A queue of the app without
    a visibility timeout gets one that fits."""
    resource = queue.node.default_child
    if isinstance(resource, sqs.CfnQueue) and resource.visibility_timeout is None:
        window: Duration | None = options.get("max_batching_window")
        gathered = 0 if window is None else window.to_seconds()
        timeout = resource_of(function).timeout or TIMEOUT
        resource.visibility_timeout = FACTOR * timeout + gathered
    return sources.SqsEventSource(queue, **{"report_batch_item_failures": True, **options})


def stream_source(stream: Any, options: dict[str, Any]) -> lambda_.IEventSource:
    """Return the event source of a Kinesis stream, or of a table's stream, which reports failed
    records, and by default begins at the oldest one."""
    given = {
        "report_batch_item_failures": True,
        "starting_position": lambda_.StartingPosition.TRIM_HORIZON,
        **options,
    }
    if hasattr(type(stream), "table_arn"):
        return sources.DynamoEventSource(stream, **given)
    return sources.KinesisEventSource(stream, **given)
