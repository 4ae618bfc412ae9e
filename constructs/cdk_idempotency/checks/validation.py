"""Runs the checks when the app is synthesised, so that what is added after `attach` counts too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import jsii
from aws_cdk import Annotations, Stage

from constructs import Construct, IConstruct, IValidation

from .catalog import CHECKS
from .model.deployment import Deployment
from .model.tree import Tree

Deployed: TypeAlias = Callable[[Tree], Deployment]
"""What there is of an `Idempotency` when the app is synthesised."""

_ID: Final = "IdempotencyChecks"


@jsii.implements(IValidation)
class Guard(Construct):
    """One for an app, and for each stage of it, which is synthesised by itself: all of its
    `Idempotency` constructs are checked together, because looking through an app takes time.

    Errors end the synthesis; warnings and infos are annotations, on the construct that they are
    about.
    """

    @staticmethod
    def of(scope: IConstruct) -> Guard:
        """The one that a construct belongs to."""
        stage = Stage.of(scope)
        assert stage is not None, "a construct in no app"
        existing = stage.node.try_find_child(_ID)
        return existing if isinstance(existing, Guard) else Guard(stage, _ID)

    def __init__(self, stage: Stage, id: str) -> None:  # noqa: A002
        super().__init__(stage, id)
        self._stage = stage
        self._deployed: list[Deployed] = []
        self.node.add_validation(self)

    def watch(self, deployed: Deployed) -> None:
        """Checks one more of them."""
        self._deployed.append(deployed)

    def validate(self) -> list[str]:
        """See `IValidation`: the errors."""
        tree = Tree(self._stage)
        return [error for deployed in self._deployed for error in _errors(deployed(tree))]


def _errors(deployment: Deployment) -> Iterator[str]:
    for check in CHECKS:
        for finding in check(deployment):
            if finding.severity == "error":
                yield f"{finding.construct.node.path}: {finding.message} [{finding.id}]"
            elif finding.severity == "warning":
                Annotations.of(finding.construct).add_warning_v2(finding.id, finding.message)
            else:
                Annotations.of(finding.construct).add_info_v2(finding.id, finding.message)
