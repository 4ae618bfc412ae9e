"""An environment that Lambda would refuse is an error."""

from __future__ import annotations

import re

from kit.checks import attached, findings, problems
from kit.synth import function, stack


def test_an_environment_beyond_4_kb_is_an_error() -> None:
    payments = function(stack())
    idempotency = attached(payments)
    payments.add_environment("LARGE", "x" * 4090)
    [finding] = findings(idempotency, "environment-size")
    assert finding.severity == "error"
    assert finding.construct.node.path == "Stack/Payments"
    assert re.match(r"the environment has 4\d\d\d bytes", finding.message)


def test_an_environment_of_almost_4_kb_is_in_order() -> None:
    payments = function(stack())
    idempotency = attached(payments)
    payments.add_environment("LARGE", "x" * 3900)
    assert problems(idempotency) == {}
