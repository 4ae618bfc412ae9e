"""Queues and streams whose failing records end nowhere.

Fires when: A queue has no dead-letter queue, or a mapping of a stream retries without a limit, or
drops what it gives up: a record that never succeeds (no key, another payload under its key, parked)
comes again and again, stops its FIFO group or shard, and is lost in the end.
What to do: Give the queue a `dead_letter_queue`; the event source of a stream `retry_attempts` or
`max_record_age`, and `on_failure`.

Some failures are for good: a record without a key, another payload under a known key, a parked
one. A queue without a redrive policy delivers them until its retention ends, and then loses them;
of a FIFO queue, all of their message group waits for that
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html). A mapping of a
stream without a limit retries them until they expire, and all of their shard waits
(https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import aws_lambda as lambda_

from ..model.batches import is_stream
from ..model.deployment import AttachedFunction, Deployment
from ..model.durations import in_words
from ..model.queues import Queue, referenced_queues
from ..model.tree import ConstructTree
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    # On the queue, or on the mapping of the stream.
    for attached, mapping in deployment.mappings():
        if is_stream(mapping):
            yield from _of_stream(deployment.tree, attached, mapping)
        for queue in referenced_queues(deployment.tree, mapping, mapping.event_source_arn):
            yield from _of_queue(attached, queue)


def _of_queue(attached: AttachedFunction, queue: Queue) -> Iterator[Violation]:
    if queue.has_dead_letters:
        return
    retention = queue.retention
    time = "until its retention ends" if retention is None else f"for up to {in_words(retention)}"
    yield Violation(
        queue.resource,
        f"A message that never succeeds is delivered to {attached.name} again and again {time}, "
        "and then lost. Pass a dead_letter_queue to the queue.",
    )


def _of_stream(
    tree: ConstructTree, attached: AttachedFunction, mapping: lambda_.CfnEventSourceMapping
) -> Iterator[Violation]:
    endless = all(
        tree.number(mapping, name, -1) == -1
        for name in ("maximumRetryAttempts", "maximumRecordAgeInSeconds")
    )
    if endless:
        yield Violation(
            mapping,
            f"A record that {attached.name} never handles stops its shard until it expires. Pass "
            "retry_attempts or max_record_age, and on_failure, to the event source.",
        )
    elif "destinationConfig" not in tree.properties(mapping):
        yield Violation(
            mapping,
            f"A record that {attached.name} never handles is lost after its last retry. Pass "
            "on_failure to the event source.",
        )
