"""An SQS queue hides a message for longer than an attempt can hold its key.

Lambda refuses a mapping whose function's timeout is above the queue's visibility timeout. One that
does not outlast the lease lets the messages of a dead attempt come back too early: they find it in
progress, fail, and have used up one of the deliveries that the dead-letter queue allows. Lambda
gathers a batch for up to the batching window, while its messages are hidden already
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import aws_lambda as lambda_

from ..model.deployment import Attached, Deployment
from ..model.durations import spoken
from ..model.finding import Finding, error, warning
from ..model.queues import Queue, queues_behind


def check(deployment: Deployment) -> Iterator[Finding]:
    """The findings are on the queue, which is what to change."""
    for attached, mapping in deployment.mappings():
        for queue in queues_behind(deployment.tree, mapping, mapping.event_source_arn):
            yield from _of(deployment, attached, mapping, queue)


def _of(
    deployment: Deployment,
    attached: Attached,
    mapping: lambda_.CfnEventSourceMapping,
    queue: Queue,
) -> Iterator[Finding]:
    tree = deployment.tree
    timeout = deployment.timeout(attached)
    window = tree.number(mapping, "maximumBatchingWindowInSeconds", 0)
    if queue.visibility is None or timeout is None or window is None:
        return
    lease = max(timeout, attached.settings.lease or 0)
    advice = (
        "Pass a visibility_timeout to the queue: AWS advises six times the function's timeout, "
        "and the batching window on top."
    )
    # A version that an alias names may be an older one, with a timeout of its own.
    named = tree.behind(mapping, mapping.function_name)
    exact = all(isinstance(each, lambda_.CfnFunction) for each in named)
    if exact and queue.visibility < timeout:
        yield error(
            "visibility-timeout",
            queue.resource,
            f"it hides a message for {spoken(queue.visibility)}, {attached.name} may run for "
            f"{spoken(timeout)}, and Lambda refuses an event source mapping of the two. {advice}",
        )
    elif queue.visibility <= lease + window:
        batch = f" after {spoken(window)} in which its batch was gathered" if window else ""
        yield warning(
            "visibility-lease",
            queue.resource,
            f"It hides a message for {spoken(queue.visibility)}, and {attached.name} may hold its "
            f"key for {spoken(lease)}{batch}: the message of an attempt that died comes back too "
            f"early, finds it in progress and fails again. {advice}",
        )
