"""The checks of an app, which run at synth, so that additions after `attach` count too."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, TypeAlias, cast

import jsii
from aws_cdk import Annotations, Aspects, IAspect, Stage

from constructs import Construct, IConstruct, IValidation

from ..errors import ConstructError
from ..functions.attachable import AT_THE_EDGE, is_at_the_edge
from .catalog import RULES
from .model.deployment import Deployment
from .model.tree import ConstructTree

DeploymentFactory: TypeAlias = Callable[[ConstructTree], Deployment]
"""A function that returns an `Idempotency` with all that is attached to it at synth."""

_ID: Final = "IdempotencyChecks"


class StageDeployments:
    """The deployments of the app, or of one of its stages."""

    def __init__(self, stage: IConstruct) -> None:
        self._stage = stage
        self._factories: list[DeploymentFactory] = []
        self._found: list[Deployment] = []

    def add(self, factory: DeploymentFactory) -> None:
        """Add one more `Idempotency`."""
        self._factories.append(factory)

    def look(self) -> list[Deployment]:
        """Return the deployments as they are now."""
        tree = ConstructTree(self._stage)
        self._found = [factory(tree) for factory in self._factories]
        return self._found

    def known(self) -> list[Deployment]:
        """Return the deployments as they were last seen, which their namespaces and stores are
        sure to be: looking through a stage takes time."""
        return self._found if len(self._found) == len(self._factories) else self.look()


@jsii.implements(IValidation)
class AppValidation(Construct):
    """The checks of an app, or of one of its stages, which are synthesized by themselves.

    All `Idempotency` constructs are checked together, because looking through an app takes time,
    and because two of them, also of two stages, may share a store. Errors end the synthesis;
    warnings and infos are annotations, on the construct that they are about.
    """

    @staticmethod
    def of(scope: IConstruct) -> AppValidation:
        """Return the validation of the construct's app or stage; create it where there is none."""
        stage = Stage.of(scope)
        assert stage is not None, "a construct in no app"
        return AppValidation._in(stage)

    @staticmethod
    def _in(stage: IConstruct) -> AppValidation:
        existing = stage.node.try_find_child(_ID)
        return existing if isinstance(existing, AppValidation) else AppValidation(stage, _ID)

    def __init__(self, stage: IConstruct, id: str) -> None:  # noqa: A002
        super().__init__(cast("Construct", stage), id)
        is_app = stage.node.scope is None
        self._own = StageDeployments(stage)
        whole = None if is_app else self._in(stage.node.root)
        self.stages: list[StageDeployments] = [] if whole is None else whole.stages
        """Those of the app and of all its stages."""
        self.attached: dict[str, str] = {} if whole is None else whole.attached
        """The paths of the attached functions of the app, each with that of its `Idempotency`."""
        self.stages.append(self._own)
        self.node.add_validation(self)
        # Aspects come before references are resolved, where the CDK refuses variables at the edge.
        Aspects.of(self).add(_EdgeCheck(self._own))

    def add(self, factory: DeploymentFactory) -> None:
        """Check one more `Idempotency`."""
        self._own.add(factory)

    def claim(self, function: str, construct: str) -> str | None:
        """Note that a function is attached to an `Idempotency`, both by their paths. Return the one
        to which it is attached already, if there is one."""
        taken = self.attached.get(function)
        self.attached.setdefault(function, construct)
        return taken

    def validate(self) -> list[str]:
        """Return the errors; annotate warnings and infos."""
        return [error for deployment in self.deployments() for error in _errors(deployment)]

    def deployments(self) -> list[Deployment]:
        """Look through the app or stage, and return its deployments, which know those of all the
        others."""
        found = self._own.look()
        app = tuple(deployment for stage in self.stages for deployment in stage.known())
        return [replace(deployment, app=app) for deployment in found]


@jsii.implements(IAspect)
class _EdgeCheck:
    """Refuses attached functions that CloudFront runs."""

    def __init__(self, deployments: StageDeployments) -> None:
        self._deployments = deployments

    def visit(self, _: IConstruct) -> None:
        """Raise ConstructError where a function was given to a distribution after `attach`."""
        if "aws_cdk.aws_cloudfront" not in sys.modules:
            return
        for deployment in self._deployments.look():
            for attached in deployment.attached:
                if is_at_the_edge(attached.function):
                    raise ConstructError(attached.function, AT_THE_EDGE)


def _errors(deployment: Deployment) -> Iterator[str]:
    for rule in RULES:
        for finding in rule.findings(deployment):
            if finding.severity == "error":
                yield f"{finding.construct.node.path}: {finding.message} [{finding.id}]"
            elif finding.severity == "warning":
                Annotations.of(finding.construct).add_warning_v2(finding.id, finding.message)
            else:
                Annotations.of(finding.construct).add_info_v2(finding.id, finding.message)
