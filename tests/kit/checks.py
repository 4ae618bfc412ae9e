"""What the synth-time checks find, without a synthesis."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from cdk_idempotency.checks.catalog import CHECKS
from cdk_idempotency.checks.model.finding import Finding
from cdk_idempotency.checks.model.tree import Tree


def attached(*functions: lambda_.Function, **props: Any) -> Idempotency:
    """An `Idempotency` with these functions, in the first one's stack."""
    idempotency = Idempotency(Stack.of(functions[0]), "Idempotency", **props)
    for function in functions:
        idempotency.attach(function)
    return idempotency


def findings(idempotency: Idempotency, id: str) -> list[Finding]:  # noqa: A002
    """Those with an id, which is without its prefix."""
    deployment = idempotency._deployment(Tree(idempotency.node.root))
    return [
        finding
        for check in CHECKS
        for finding in check(deployment)
        if finding.id == f"cdk-idempotency:{id}"
    ]
