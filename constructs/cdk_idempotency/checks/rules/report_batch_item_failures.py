"""Event source mappings and pipes that ignore which records have failed.

Fires when: A mapping of a queue, a stream or Kafka ignores which records of a batch have failed
(Kafka reports them in provisioned mode alone), or a pipe does not wait for the function.
What to do: Set `report_batch_item_failures=True` on the event source, for Kafka with
`provisioned_poller_config`; leave the pipe's invocation type at `REQUEST_RESPONSE`. Where neither
is possible, `@idempotent_records(report_batch_item_failures=False)` raises, so that the whole batch
comes again.

Without ReportBatchItemFailures Lambda ignores what `@idempotent_records` returns, and a failed
record is lost, or retried with all others
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html,
https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html). A pipe reads the
answer of a target that it waits for
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aws_cdk import Token
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_pipes as pipes

from ..model.batches import is_kafka, reports_failures
from ..model.deployment import Deployment
from ..rule import Violation, warning

_REPORT: Final = "ReportBatchItemFailures"


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached, mapping in deployment.mappings():
        if reports_failures(mapping) and (missing := _missing(mapping)):
            yield Violation(
                mapping,
                f"This event source mapping of {attached.name} lacks {' and '.join(missing)}, so "
                "Lambda ignores which records of a batch have failed, and loses them. Pass "
                f"{' and '.join(missing.values())} to the event source.",
            )
    for attached, pipe in deployment.referring(pipes.CfnPipe, lambda each: each.target):
        if _goes_on(deployment, pipe):
            yield Violation(
                pipe,
                f"This pipe does not wait for {attached.name}, so it ignores which records of a "
                "batch have failed, and loses them. Leave the target's invocation type at "
                "REQUEST_RESPONSE.",
            )


def _missing(mapping: lambda_.CfnEventSourceMapping) -> dict[str, str]:
    """Return the settings that the mapping lacks, each with the option that sets it."""
    missing = {}
    types = mapping.function_response_types
    if types is None or not (Token.is_unresolved(types) or _REPORT in types):
        missing[_REPORT] = "report_batch_item_failures=True"
    if is_kafka(mapping) and mapping.provisioned_poller_config is None:
        missing["provisioned mode"] = "provisioned_poller_config"
    return missing


def _goes_on(deployment: Deployment, pipe: pipes.CfnPipe) -> bool:
    parameters = deployment.tree.properties(pipe).get("targetParameters", {})
    function = parameters.get("lambdaFunctionParameters", {})
    return bool(function.get("invocationType") == "FIRE_AND_FORGET")
