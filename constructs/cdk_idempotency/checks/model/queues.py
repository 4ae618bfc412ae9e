"""What the checks know of an SQS queue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import aws_sqs as sqs

from constructs import IConstruct

from ...inspection import owned
from .tree import Tree

RETENTION: Final = 4 * 24 * 3600
VISIBILITY: Final = 30
"""Seconds, of a queue that names none (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/
APIReference/API_SetQueueAttributes.html)."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """An SQS queue of the app; durations are in seconds."""

    resource: sqs.CfnQueue
    tree: Tree

    @property
    def name(self) -> str:
        """For messages: the construct that its owner wrote."""
        return owned(self.resource.node.path)

    @property
    def retention(self) -> float | None:
        """How long it keeps a message; None where only the deployment knows it."""
        return self.tree.number(self.resource, "messageRetentionPeriod", RETENTION)

    @property
    def visibility(self) -> float | None:
        """How long it hides a message that it has delivered; None: as above."""
        return self.tree.number(self.resource, "visibilityTimeout", VISIBILITY)

    @property
    def has_dead_letters(self) -> bool:
        """Whether messages end in another queue, also where only the deployment knows after how
        many deliveries."""
        return "redrivePolicy" in self.tree.properties(self.resource)

    @property
    def deliveries(self) -> int | None:
        """How often it delivers a message before that ends in the dead-letter queue; None: as
        above."""
        count = str(self._redrive.get("maxReceiveCount"))
        return int(count) if count.isdecimal() else None

    @property
    def dead_letters(self) -> Queue | None:
        """The dead-letter queue, if it is of this app."""
        # The policy is asked for again: resolved, it has lost what it refers to in other stacks.
        policy = self.resource.redrive_policy
        target = policy.get("deadLetterTargetArn") if isinstance(policy, dict) else None
        return next(queues_behind(self.tree, self.resource, target), None)

    @property
    def _redrive(self) -> dict[str, Any]:
        policy = self.tree.properties(self.resource).get("redrivePolicy")
        return policy if isinstance(policy, dict) else {}


def queues_behind(tree: Tree, owner: IConstruct, value: Any) -> Iterator[Queue]:
    """The queues that a property of `owner` refers to; none where they are of another app."""
    for resource in tree.behind(owner, value):
        if isinstance(resource, sqs.CfnQueue):
            yield Queue(resource=resource, tree=tree)
