"""Event source mappings of batches take notice of which records have failed.

Without ReportBatchItemFailures Lambda ignores what `@idempotent_records` returns, and a failed
record is lost, or retried with all others
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aws_cdk import Token
from aws_cdk import aws_lambda as lambda_

from ..model.batches import is_batch
from ..model.deployment import Deployment
from ..model.finding import Finding, warning

_REPORT: Final = "ReportBatchItemFailures"


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above."""
    for attached, mapping in deployment.mappings():
        if is_batch(mapping) and not _reports(mapping):
            yield warning(
                "report-batch-item-failures",
                mapping,
                f"This event source mapping of {attached.name} lacks {_REPORT}, so Lambda ignores "
                "which records of a batch have failed, and loses them. Pass "
                "report_batch_item_failures=True to the event source.",
            )


def _reports(mapping: lambda_.CfnEventSourceMapping) -> bool:
    types = mapping.function_response_types
    return types is not None and (Token.is_unresolved(types) or _REPORT in types)
