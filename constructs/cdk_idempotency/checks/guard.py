"""Runs the checks when the app is synthesised, so that what is added after `attach` counts too."""

from __future__ import annotations

from collections.abc import Callable

import jsii
from aws_cdk import Annotations

from constructs import IValidation

from . import CHECKS
from .deployment import Deployment


@jsii.implements(IValidation)
class Guard:
    """Errors end the synthesis; warnings and infos are annotations, on the construct that they are
    about."""

    def __init__(self, deployment: Callable[[], Deployment]) -> None:
        self._deployment = deployment

    def validate(self) -> list[str]:
        """See `IValidation`: the errors."""
        deployment = self._deployment()
        errors = []
        for check in CHECKS:
            for finding in check(deployment):
                if finding.severity == "error":
                    errors.append(
                        f"{finding.construct.node.path}: {finding.message} [{finding.id}]"
                    )
                elif finding.severity == "warning":
                    Annotations.of(finding.construct).add_warning_v2(finding.id, finding.message)
                else:
                    Annotations.of(finding.construct).add_info_v2(finding.id, finding.message)
        return errors
