"""Functions that poll SQS queues, with the times that must fit one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_lambda as lambda_

from .deployment import AttachedFunction, Deployment
from .queues import Queue, referenced_queues
from .tree import ConstructTree

ADVICE: Final = (
    "Pass a visibility_timeout to the queue: AWS advises six times the function's timeout, and the "
    "batching window on top."
)


@dataclass(frozen=True, kw_only=True)
class Polling:
    """A function that polls a queue; durations are in seconds."""

    attached: AttachedFunction
    queue: Queue
    visibility: float
    """The time that the queue hides a message."""
    timeout: float
    """Of the function."""
    window: float
    """In which a batch is gathered, while its messages are hidden already."""
    is_refused: bool
    """True if Lambda refuses the event source mapping."""


def pollings(deployment: Deployment) -> Iterator[Polling]:
    """Yield those whose times are all known at synth."""
    tree = deployment.tree
    for attached, mapping in deployment.mappings():
        timeout = deployment.timeout(attached)
        window = tree.number(mapping, "maximumBatchingWindowInSeconds", 0)
        for queue in referenced_queues(tree, mapping, mapping.event_source_arn):
            visibility = queue.visibility
            if visibility is None or timeout is None or window is None:
                continue
            yield Polling(
                attached=attached,
                queue=queue,
                visibility=visibility,
                timeout=timeout,
                window=window,
                is_refused=visibility < timeout and _is_of_function_itself(tree, mapping),
            )


def _is_of_function_itself(tree: ConstructTree, mapping: lambda_.CfnEventSourceMapping) -> bool:
    """Return false for a version or an alias: the version may be an older one, with a timeout of
    its own."""
    mapped = tree.referenced(mapping, mapping.function_name)
    return all(isinstance(each, lambda_.CfnFunction) for each in mapped)
