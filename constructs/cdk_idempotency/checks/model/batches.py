"""Event source mappings that deliver the records of queues and streams."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_


def is_batch(mapping: lambda_.CfnEventSourceMapping) -> bool:
    """Return true for SQS, Kinesis and DynamoDB Streams: not Kafka, MQ or DocumentDB."""
    others = (
        mapping.topics,
        mapping.queues,
        mapping.self_managed_event_source,
        mapping.document_db_event_source_config,
    )
    return all(other is None for other in others)


def is_stream(mapping: lambda_.CfnEventSourceMapping) -> bool:
    """Return true for Kinesis and DynamoDB Streams, which have positions to start from."""
    return is_batch(mapping) and mapping.starting_position is not None
