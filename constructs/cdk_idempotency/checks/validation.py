"""The checks of an app, which run at synth, so that what is added after `attach` counts too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import jsii
from aws_cdk import Annotations, Stage

from constructs import Construct, IConstruct, IValidation

from .catalog import RULES
from .model.deployment import Deployment
from .model.tree import ConstructTree

DeploymentFactory: TypeAlias = Callable[[ConstructTree], Deployment]
"""A function that returns an `Idempotency` with all that is attached to it at synth."""

_ID: Final = "IdempotencyChecks"


@jsii.implements(IValidation)
class AppValidation(Construct):
    """The checks of an app, or of one of its stages, which are synthesized by themselves.

    All `Idempotency` constructs are checked together, because looking through an app takes time.
    Errors end the synthesis; warnings and infos are annotations, on the construct that they are
    about.
    """

    @staticmethod
    def of(scope: IConstruct) -> AppValidation:
        """Return the one of the construct's app or stage; create it where there is none."""
        stage = Stage.of(scope)
        assert stage is not None, "a construct in no app"
        existing = stage.node.try_find_child(_ID)
        return existing if isinstance(existing, AppValidation) else AppValidation(stage, _ID)

    def __init__(self, stage: Stage, id: str) -> None:  # noqa: A002
        super().__init__(stage, id)
        self._stage = stage
        self._factories: list[DeploymentFactory] = []
        self.node.add_validation(self)

    def add(self, factory: DeploymentFactory) -> None:
        """Check one more `Idempotency`."""
        self._factories.append(factory)

    def validate(self) -> list[str]:
        """Return the errors; annotate warnings and infos."""
        tree = ConstructTree(self._stage)
        return [error for factory in self._factories for error in _errors(factory(tree))]


def _errors(deployment: Deployment) -> Iterator[str]:
    for rule in RULES:
        for finding in rule.findings(deployment):
            if finding.severity == "error":
                yield f"{finding.construct.node.path}: {finding.message} [{finding.id}]"
            elif finding.severity == "warning":
                Annotations.of(finding.construct).add_warning_v2(finding.id, finding.message)
            else:
                Annotations.of(finding.construct).add_info_v2(finding.id, finding.message)
