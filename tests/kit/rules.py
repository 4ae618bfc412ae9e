"""Foreign rules for templates: cdk-nag's AwsSolutions, the CDK's own, and cfn-lint's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from aws_cdk import App, Stack, Validations
from cdk_nag import AwsSolutionsChecks

from kit.aws.local import REGION
from kit.synth import app

NAG: Final = "AwsSolutions"
CDK: Final = "CloudFormation Validate"
ANNOTATIONS: Final = "annotations"
"""The errors and warnings of constructs."""

REPORT: Final = "validation-report.json"

CDK_HABITS: Final = ["W3005"]
"""Findings in every CDK template: a DependsOn beside a reference to the same resource."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A rule's finding about a construct, and the reason if it is intended."""

    rules: str
    id: str
    construct: str
    acknowledged_at: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A synthesized app, with what the rules say about it."""

    failed: bool
    """True if the synthesis has ended with an error."""
    findings: list[Finding]
    templates: list[Path]

    def open(self, rules: str) -> set[tuple[str, str]]:
        """Return the unacknowledged findings of some rules: id and construct."""
        return {
            (finding.id, finding.construct)
            for finding in self.findings
            if finding.rules == rules and finding.reason is None
        }

    @property
    def acknowledged(self) -> list[Finding]:
        """Return the acknowledged findings."""
        return [finding for finding in self.findings if finding.reason is not None]

    def lint(self) -> list[str]:
        """Return what cfn-lint says about the templates."""
        from cfnlint.decode import decode_str

        found = []
        for path in self.templates:
            template, errors = decode_str(path.read_text())
            found += [
                f"{path.name}:{match.linenumber}: {match.rule.id} {match.message}"
                for match in errors or _linter().validate_template(template)
            ]
        return found


@cache
def _linter() -> Any:
    """Return cfn-lint with its rules, which `cfnlint.lint` would load anew for each template."""
    from cfnlint.config import ConfigMixIn, ManualArgs
    from cfnlint.runner import Runner

    options = ManualArgs(regions=[REGION], ignore_checks=CDK_HABITS)
    return Runner(ConfigMixIn(**options))


def checked(
    make: Callable[[App], object],
    context: Mapping[str, Any] | None = None,
    *packs: Callable[[App], Any],
) -> Checked:
    """Synthesize what `make` puts into an app, under the CDK's rules and packs of cdk-nag (default:
    AwsSolutions)."""
    quiet = {"@aws-cdk/core:validationReportPrettyPrint": False}
    under = app({**quiet, **(context or {})}, validated=True)
    make(under)
    Validations.of(under).add_plugins(*(pack(under) for pack in packs or (AwsSolutionsChecks,)))
    report = Path(under.outdir, REPORT)
    report.unlink(missing_ok=True)
    failed = False
    try:
        under.synth()
    except RuntimeError as error:
        failed = str(error).startswith("ValidationFailed: ")
        if not failed:
            raise
    stacks = [child for child in under.node.children if isinstance(child, Stack)]
    return Checked(
        failed=failed,
        findings=[*_findings(json.loads(report.read_text())), *_annotations(under)],
        templates=[Path(under.outdir, stack.template_file) for stack in stacks],
    )


def _findings(report: dict[str, Any]) -> Iterator[Finding]:
    for plugin in report["pluginReports"]:
        for kind in ("violations", "suppressedViolations"):
            for violation in plugin.get(kind, ()):
                for construct in violation["violatingConstructs"]:
                    yield Finding(
                        rules=plugin["pluginName"],
                        id=violation["ruleName"],
                        construct=construct["constructPath"],
                        acknowledged_at=violation.get("acknowledgedAt"),
                        reason=violation.get("reason"),
                    )


def _annotations(under: App) -> Iterator[Finding]:
    for construct in under.node.find_all():
        for entry in construct.node.metadata:
            if entry.type in ("aws:cdk:error", "aws:cdk:warning"):
                yield Finding(rules=ANNOTATIONS, id=str(entry.data), construct=construct.node.path)
