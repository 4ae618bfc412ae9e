"""Event source mappings that deliver the records of queues, streams and brokers."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_


def reports_failures(mapping: lambda_.CfnEventSourceMapping) -> bool:
    """Return true for sources that can deliver failed records alone: not for MQ and DocumentDB
    (https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html)."""
    return mapping.queues is None and mapping.document_db_event_source_config is None


def is_kafka(mapping: lambda_.CfnEventSourceMapping) -> bool:
    """Return true for Amazon MSK and self-managed Kafka."""
    return mapping.topics is not None or mapping.self_managed_event_source is not None


def is_stream(mapping: lambda_.CfnEventSourceMapping) -> bool:
    """Return true for Kinesis and DynamoDB Streams, which have positions to start from."""
    starts = mapping.starting_position is not None
    return starts and reports_failures(mapping) and not is_kafka(mapping)
