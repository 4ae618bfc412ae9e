"""Answers that expire before their source stops delivering the event again.

Fires when: A source may deliver an event again when its answer has expired (`expires_after`), and
the late delivery runs again. See [below](#expiry).
What to do: Keep answers for longer, or let the source give up sooner.

The deliveries are bounded by:

- asynchronous invocation: the maximum age of an event, by default 6 hours
  (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html);
- SQS: the queue's retention, or its visibility timeout for each of the deliveries that its
  dead-letter queue allows. A message that is moved back from there has a new id, but the same
  business key, so that with `key` the retention of the dead-letter queue counts too
  (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/
  sqs-configure-dead-letter-queue-redrive.html);
- Kinesis and DynamoDB Streams: the stream's retention or the mapping's maximum record age. With a
  number of retries the time is not known, and short.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_

from ..model.deployment import AttachedFunction, Deployment
from ..model.durations import in_words
from ..model.queues import Queue, referenced_queues
from ..model.tree import ConstructTree
from ..rule import Violation, warning

ASYNCHRONOUS: Final = frozenset(
    {"events.amazonaws.com", "s3.amazonaws.com", "ses.amazonaws.com", "sns.amazonaws.com"}
)
"""Principals that invoke functions asynchronously."""

EVENT_AGE: Final = 6 * 3600
STREAM_RETENTION: Final = 24 * 3600
"""Of DynamoDB Streams always, of Kinesis by default."""


@dataclass(frozen=True)
class _Redelivery:
    """The last time that an event can come again, in seconds from the first one."""

    seconds: float
    reason: str
    alternative: str
    """To keeping answers for longer."""


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    for attached, mapping in deployment.mappings():
        for redelivery in _of_mapping(deployment.tree, attached, mapping):
            if attached.settings.expires_after < redelivery.seconds:
                yield Violation(mapping, _message(attached, redelivery))
    for attached, age in _event_ages(deployment):
        reason = f"Lambda delivers an asynchronous event again for up to {in_words(age)}"
        if attached.settings.expires_after < age:
            redelivery = _Redelivery(age, reason, "a shorter max_event_age to the function")
            yield Violation(attached.function, _message(attached, redelivery))


def _message(attached: AttachedFunction, redelivery: _Redelivery) -> str:
    return (
        f"{redelivery.reason}, but the answers of {attached.name} expire after "
        f"{in_words(attached.settings.expires_after)}, and a delivery after that runs again. Pass "
        f"an expires_after of at least {in_words(redelivery.seconds)} to Idempotency or attach(), "
        f"or {redelivery.alternative}."
    )


def _of_mapping(
    tree: ConstructTree, attached: AttachedFunction, mapping: lambda_.CfnEventSourceMapping
) -> Iterator[_Redelivery]:
    queues = list(referenced_queues(tree, mapping, mapping.event_source_arn))
    for queue in queues:
        yield from _of_queue(queue, moved_back=attached.settings.key is not None)
    if not queues:
        yield from _of_stream(tree, mapping)


def _of_queue(queue: Queue, *, moved_back: bool) -> Iterator[_Redelivery]:
    """Yield the longest one that is known."""
    found = [*_deliveries(queue), *(_moves(queue) if moved_back else ())]
    yield from sorted(found, key=lambda redelivery: redelivery.seconds)[-1:]


def _deliveries(queue: Queue) -> Iterator[_Redelivery]:
    retention, visibility, deliveries = queue.retention, queue.visibility, queue.deliveries
    if retention is None:
        return
    if not queue.has_dead_letters:
        reason = f"{queue.name} delivers a message again for up to {in_words(retention)}"
        yield _Redelivery(retention, reason, "a dead_letter_queue to the queue")
    elif visibility is not None and deliveries is not None:
        reason = f"{queue.name} delivers a message {deliveries} times, {in_words(visibility)} apart"
        alternative = "a smaller max_receive_count to the queue"
        yield _Redelivery(min(retention, visibility * deliveries), reason, alternative)


def _moves(queue: Queue) -> Iterator[_Redelivery]:
    """Yield the return from the dead-letter queue, by an operator."""
    dead = queue.dead_letters
    if dead is not None and (retention := dead.retention) is not None:
        reason = (
            f"A message can be moved back from {dead.name}, with the same key, for up to "
            f"{in_words(retention)}"
        )
        yield _Redelivery(retention, reason, "a shorter retention_period to that queue")


def _of_stream(
    tree: ConstructTree, mapping: lambda_.CfnEventSourceMapping
) -> Iterator[_Redelivery]:
    retention = _retention(tree, mapping)
    age = tree.number(mapping, "maximumRecordAgeInSeconds", -1)
    retries = tree.number(mapping, "maximumRetryAttempts", -1)
    if retention is None or age is None or retries != -1:
        return
    seconds = retention if age == -1 else min(retention, age)
    yield _Redelivery(
        seconds,
        f"This event source mapping delivers a record again for up to {in_words(seconds)}",
        "a shorter max_record_age, or retry_attempts, to the event source",
    )


def _retention(tree: ConstructTree, mapping: lambda_.CfnEventSourceMapping) -> float | None:
    """Return the stream's retention in seconds; None where it is not known, or there is no
    stream."""
    sources = tree.referenced(mapping, mapping.event_source_arn)
    for consumer in [each for each in sources if isinstance(each, kinesis.CfnStreamConsumer)]:
        sources += tree.referenced(consumer, consumer.stream_arn)
    for source in sources:
        if isinstance(source, dynamodb.CfnTable | dynamodb.CfnGlobalTable):
            return STREAM_RETENTION
        if isinstance(source, kinesis.CfnStream):
            hours = tree.number(source, "retentionPeriodHours", STREAM_RETENTION / 3600)
            return None if hours is None else hours * 3600
    return None


def _event_ages(deployment: Deployment) -> Iterator[tuple[AttachedFunction, float]]:
    """Yield how old an asynchronous event can be, for the functions that are known to get some."""
    configured: dict[str, list[float | None]] = {}
    kind = lambda_.CfnEventInvokeConfig
    for attached, config in deployment.referring(kind, lambda each: each.function_name):
        age = deployment.tree.number(config, "maximumEventAgeInSeconds", EVENT_AGE)
        configured.setdefault(attached.name, []).append(age)
    invoked = {
        attached.name
        for attached, principal in deployment.permissions()
        if principal in ASYNCHRONOUS
    }
    for attached in deployment.attached:
        ages = configured.get(attached.name, [EVENT_AGE] if attached.name in invoked else [])
        known = [age for age in ages if age is not None]
        if known:
            yield attached, max(known)
