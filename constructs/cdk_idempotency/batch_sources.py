"""Batches that reach an attached function are to be retried in part."""

from __future__ import annotations

from typing import Final

import jsii
from aws_cdk import Annotations, Stack, Token
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct, IValidation

_REPORT: Final = "ReportBatchItemFailures"


@jsii.implements(IValidation)
class BatchSources:
    """Warns of SQS, Kinesis and DynamoDB event source mappings that would take no notice of what
    `@idempotent_records` returns: one failed record is then lost, or retried with all others.

    It looks when the app is synthesised, so that mappings may come after `attach`. See
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """

    def __init__(self, function: lambda_.Function) -> None:
        self._function = function

    def validate(self) -> list[str]:
        """See `IValidation`: no errors, but warnings."""
        for construct in Stack.of(self._function).node.find_all():
            if (
                isinstance(construct, lambda_.CfnEventSourceMapping)
                and _is_batch(construct)
                and not _reports(construct)
                and self._is_target(construct)
            ):
                Annotations.of(construct).add_warning_v2(
                    "cdk-idempotency:report-batch-item-failures",
                    f"This event source mapping of {self._function.node.path} lacks {_REPORT}, so "
                    "Lambda ignores which records of a batch have failed, and loses them. Pass "
                    "report_batch_item_failures=True to the event source.",
                )
        return []

    def _is_target(self, mapping: lambda_.CfnEventSourceMapping) -> bool:
        function = self._function
        stack = Stack.of(mapping)
        target = stack.resolve(mapping.function_name)
        if target in (stack.resolve(function.function_name), stack.resolve(function.function_arn)):
            return True
        return any(_points_to(scope, function) for scope in mapping.node.scopes)


def _points_to(construct: IConstruct, function: lambda_.Function) -> bool:
    """Whether it is an alias or version of the function."""
    if not isinstance(construct, lambda_.Alias | lambda_.Version):
        return False
    return construct.lambda_.node.path == function.node.path


def _is_batch(mapping: lambda_.CfnEventSourceMapping) -> bool:
    """Whether its source is not Kafka, MQ or DocumentDB: what is left is SQS, Kinesis, DynamoDB."""
    others = (
        mapping.topics,
        mapping.queues,
        mapping.self_managed_event_source,
        mapping.document_db_event_source_config,
    )
    return all(other is None for other in others)


def _reports(mapping: lambda_.CfnEventSourceMapping) -> bool:
    types = mapping.function_response_types
    return types is not None and (Token.is_unresolved(types) or _REPORT in types)
