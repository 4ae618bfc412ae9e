"""A rule's id, severity and text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from cdk_idempotency.checks.catalog import RULES
from cdk_idempotency.checks.model.deployment import Deployment
from cdk_idempotency.checks.rule import Check, Rule, Violation, error, info, warning
from kit.aws.local import ROOT
from kit.checks import attached, findings
from kit.synth import function, stack

FILES = ROOT / "constructs" / "cdk_idempotency" / "checks" / "rules"
TESTS = ROOT / "tests" / "construct" / "checks" / "rules"


def _check(deployment: Deployment) -> Iterator[Violation]:
    yield Violation(deployment.construct, "no reason")


def _documented(monkeypatch: pytest.MonkeyPatch, text: str | None) -> Rule:
    """Return a rule of a module with this docstring."""
    module = ModuleType("package.a_rule", text)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return Rule(module=module.__name__, severity="error", check=_check)


def test_every_file_is_a_rule_with_its_name() -> None:
    names = {path.stem for path in FILES.glob("*.py")} - {"__init__"}
    assert [rule.name for rule in RULES] == sorted(name.replace("_", "-") for name in names)


def test_every_rule_has_a_test_of_its_name_and_every_test_a_rule() -> None:
    tests = sorted(path.stem for path in TESTS.glob("*.py"))
    assert tests == sorted(f"test_{rule.name.replace('-', '_')}" for rule in RULES)


def test_the_id_is_the_name_of_the_file() -> None:
    rule = Rule(module="package.rules.two_words", severity="error", check=_check)
    assert (rule.name, rule.id) == ("two-words", "cdk-idempotency:two-words")


@pytest.mark.parametrize(
    ("decorator", "severity"), [(error, "error"), (warning, "warning"), (info, "info")]
)
def test_the_severity_is_the_decorator(decorator: Callable[[Check], Rule], severity: str) -> None:
    rule = decorator(_check)
    assert rule.severity == severity
    assert rule.module == __name__


def test_a_finding_has_the_rules_id_and_severity() -> None:
    [finding] = findings(attached(function(stack(), environment={"A_SECRET": "x-y-z"})), SECRET)
    assert (finding.id, finding.severity) == (f"cdk-idempotency:{SECRET}", "warning")
    assert finding.construct.node.path == "Stack/Payments"


SECRET = "secret-in-environment"


def test_the_text_is_a_paragraph_of_the_docstring(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Title.\n\nFires when: It\nrains.\nWhat to do: Go\nin.\n\nA note: more.\n"
    assert _documented(monkeypatch, text).documentation() == ("It rains.", "Go in.")


@pytest.mark.parametrize(
    "text", [None, "Title.", "Title.\n\nFires when: It rains.", "Title.\n\nWhat to do: Go in."]
)
def test_a_rule_without_a_text_is_an_error(
    monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    rule = _documented(monkeypatch, text)
    with pytest.raises(ValueError, match=r"package.a_rule: its docstring lacks a paragraph"):
        rule.documentation()
