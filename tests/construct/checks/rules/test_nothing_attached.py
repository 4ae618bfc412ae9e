"""An `Idempotency` without functions is reported."""

from __future__ import annotations

from cdk_idempotency import Idempotency
from kit.checks import attached, findings
from kit.synth import function, stack

RULE = "nothing-attached"


def test_a_store_without_functions_is_reported() -> None:
    [finding] = findings(Idempotency(stack(), "Idempotency"), RULE)
    assert finding.construct.node.path == "Stack/Idempotency"
    assert "so it protects nothing" in finding.message


def test_an_attached_function_is_enough() -> None:
    assert findings(attached(function(stack())), RULE) == []


def test_a_grant_is_enough() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.grant_use(function(scope), namespace="worker")
    assert findings(idempotency, RULE) == []
