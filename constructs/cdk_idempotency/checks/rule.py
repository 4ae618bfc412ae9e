"""A rule: one property that an app should have, checked at synth.

A rule is a file of `rules/`. The file's name is the rule's id, its docstring is the rule's row in
docs/checks.md, and its function `check`, under the severity as its decorator, finds the violations.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from constructs import IConstruct

from .model.deployment import Deployment
from .model.finding import Finding, Severity

PREFIX: Final = "cdk-idempotency:"
"""Of all ids."""

_FIELDS: Final = ("Fires when", "What to do")


class Violation(NamedTuple):
    """A construct that breaks a rule; the message has the reason and what to do."""

    construct: IConstruct
    message: str


class Documentation(NamedTuple):
    """A rule's row in docs/checks.md."""

    fires_when: str
    what_to_do: str


Check: TypeAlias = Callable[[Deployment], Iterator[Violation]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A check with its name and severity."""

    module: str
    """The dotted name of its file."""
    severity: Severity
    check: Check

    @property
    def name(self) -> str:
        """Its id without the prefix."""
        return self.module.rpartition(".")[2].replace("_", "-")

    @property
    def id(self) -> str:
        """Its id, as it is acknowledged."""
        return PREFIX + self.name

    def findings(self, deployment: Deployment) -> Iterator[Finding]:
        """Yield what the check finds."""
        for construct, message in self.check(deployment):
            yield Finding(id=self.id, severity=self.severity, construct=construct, message=message)

    def documentation(self) -> Documentation:
        """Return the paragraph of the module's docstring that has both fields. Raise ValueError
        where there is none."""
        for paragraph in (sys.modules[self.module].__doc__ or "").split("\n\n"):
            text = " ".join(paragraph.split())
            first, second = (f"{field}: " for field in _FIELDS)
            if text.startswith(first) and second in text:
                fires_when, _, what_to_do = text.removeprefix(first).partition(second)
                return Documentation(fires_when.strip(), what_to_do)
        raise ValueError(
            f"{self.module}: its docstring lacks a paragraph with {' and '.join(_FIELDS)}"
        )


def error(check: Check) -> Rule:
    """Make a rule whose violations end the synthesis."""
    return Rule(module=check.__module__, severity="error", check=check)


def warning(check: Check) -> Rule:
    """Make a rule whose violations are warnings."""
    return Rule(module=check.__module__, severity="warning", check=check)


def info(check: Check) -> Rule:
    """Make a rule whose violations are hints."""
    return Rule(module=check.__module__, severity="info", check=check)
