"""Event source mappings that ignore which records have failed.

Fires when: A mapping of a queue or stream ignores which records of a batch have failed.
What to do: Set `report_batch_item_failures=True` on the event source.

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
from ..rule import Violation, warning

_REPORT: Final = "ReportBatchItemFailures"


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached, mapping in deployment.mappings():
        if is_batch(mapping) and not _reports(mapping):
            yield Violation(
                mapping,
                f"This event source mapping of {attached.name} lacks {_REPORT}, so Lambda ignores "
                "which records of a batch have failed, and loses them. Pass "
                "report_batch_item_failures=True to the event source.",
            )


def _reports(mapping: lambda_.CfnEventSourceMapping) -> bool:
    types = mapping.function_response_types
    return types is not None and (Token.is_unresolved(types) or _REPORT in types)
