"""Lambda Managed Instances have Python from 3.13 on."""

from __future__ import annotations

import pytest
from aws_cdk import aws_lambda as lambda_

from kit.checks import attached, findings
from kit.synth import function, share_environments, stack

RULE = "managed-instances-runtime"


@pytest.mark.parametrize("runtime", ["PYTHON_3_11", "PYTHON_3_12"])
def test_a_python_that_they_do_not_have_is_refused(runtime: str) -> None:
    payments = function(stack(), runtime=getattr(lambda_.Runtime, runtime))
    share_environments(payments)
    [finding] = findings(attached(payments), RULE)
    assert finding.severity == "error"
    assert finding.construct.node.path == "Stack/Payments"
    assert "Use Python 3.13 or 3.14" in finding.message


@pytest.mark.parametrize("runtime", ["PYTHON_3_13", "PYTHON_3_14"])
def test_one_that_they_have_is_in_order(runtime: str) -> None:
    payments = function(stack(), runtime=getattr(lambda_.Runtime, runtime))
    share_environments(payments)
    assert findings(attached(payments), RULE) == []


def test_other_functions_have_all() -> None:
    payments = function(stack(), runtime=lambda_.Runtime.PYTHON_3_11)
    assert findings(attached(payments), RULE) == []
