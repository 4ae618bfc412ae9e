"""An SQS queue of the app."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import aws_sqs as sqs

from constructs import IConstruct

from ...inspection import owner_path
from .tree import ConstructTree

RETENTION: Final = 4 * 24 * 3600
VISIBILITY: Final = 30
"""Seconds, of a queue that names none (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/
APIReference/API_SetQueueAttributes.html)."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """An SQS queue of the app; durations are in seconds."""

    resource: sqs.CfnQueue
    tree: ConstructTree

    @property
    def name(self) -> str:
        """Its path, for messages."""
        return owner_path(self.resource.node.path)

    @property
    def retention(self) -> float | None:
        """The time that it keeps a message; None where only the deployment knows it."""
        return self.tree.number(self.resource, "messageRetentionPeriod", RETENTION)

    @property
    def visibility(self) -> float | None:
        """The time that it hides a message that it has delivered; None where only the deployment
        knows it."""
        return self.tree.number(self.resource, "visibilityTimeout", VISIBILITY)

    @property
    def has_dead_letters(self) -> bool:
        """True if messages end in another queue, also where only the deployment knows after how
        many deliveries."""
        return "redrivePolicy" in self.tree.properties(self.resource)

    @property
    def deliveries(self) -> int | None:
        """The deliveries of a message before it ends in the dead-letter queue; None where only the
        deployment knows it."""
        count = str(self._redrive.get("maxReceiveCount"))
        return int(count) if count.isdecimal() else None

    @property
    def dead_letters(self) -> Queue | None:
        """The dead-letter queue, if it is of this app."""
        # The policy is asked for again: resolved, it has lost what it refers to in other stacks.
        policy = self.resource.redrive_policy
        target = policy.get("deadLetterTargetArn") if isinstance(policy, dict) else None
        return next(referenced_queues(self.tree, self.resource, target), None)

    @property
    def _redrive(self) -> dict[str, Any]:
        policy = self.tree.properties(self.resource).get("redrivePolicy")
        return policy if isinstance(policy, dict) else {}


def referenced_queues(tree: ConstructTree, owner: IConstruct, value: Any) -> Iterator[Queue]:
    """Yield the queues that a property of `owner` refers to; none where they are of another app."""
    for resource in tree.referenced(owner, value):
        if isinstance(resource, sqs.CfnQueue):
            yield Queue(resource=resource, tree=tree)
