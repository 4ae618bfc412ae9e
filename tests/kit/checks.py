"""Findings of the checks, without a synthesis."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from cdk_idempotency.checks.catalog import RULES
from cdk_idempotency.checks.model.deployment import Deployment
from cdk_idempotency.checks.model.finding import Finding
from cdk_idempotency.checks.validation import AppValidation


def attached(*functions: lambda_.Function, **props: Any) -> Idempotency:
    """Return an `Idempotency` with these functions, in the first one's stack."""
    props = {"namespace_prefix": "app", **props}
    idempotency = Idempotency(Stack.of(functions[0]), "Idempotency", **props)
    for function in functions:
        idempotency.attach(function)
    return idempotency


def findings(idempotency: Idempotency, name: str) -> list[Finding]:
    """Return the findings of the rule of this name."""
    [rule] = [rule for rule in RULES if rule.name == name]
    return list(rule.findings(_deployment(idempotency)))


def problems(idempotency: Idempotency) -> dict[str, Finding]:
    """Return the errors and warnings of all rules, by the rules' names. A rule has at most one.
    Not that nothing is attached: what is checked may need no function."""
    deployment = _deployment(idempotency)
    found = {}
    for rule in RULES:
        if rule.name == "nothing-attached":
            continue
        for finding in rule.findings(deployment) if rule.severity != "info" else ():
            assert rule.name not in found, f"{rule.name} fires twice"
            found[rule.name] = finding
    return found


def _deployment(idempotency: Idempotency) -> Deployment:
    found = AppValidation.of(idempotency).deployments()
    [own] = [each for each in found if each.construct.node.path == idempotency.node.path]
    return own
