"""The lease and the namespace of a function without options for them."""

from __future__ import annotations

import re

import pytest
from aws_cdk import CfnParameter, Duration
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from constructs import Construct
from kit.synth import function, stack, template, variables


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(message))


def test_the_lease_follows_from_the_functions_timeout() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope, timeout=Duration.minutes(2)))
    found = variables(template(scope))
    assert found["IDEMPOTENCY_TIMEOUT"] == "120"
    assert "IDEMPOTENCY_LEASE" not in found


def test_a_lease_that_is_given_wins_over_the_timeout() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", lease=Duration.seconds(40))
    idempotency.attach(function(scope, timeout=Duration.minutes(2)))
    assert variables(template(scope))["IDEMPOTENCY_LEASE"] == "40"


def test_a_timeout_that_is_a_token_needs_a_lease() -> None:
    scope = stack()
    timeout = Duration.seconds(CfnParameter(scope, "Timeout", type="Number").value_as_number)
    with _refused("[Stack/Payments] its timeout is a CDK token"):
        Idempotency(scope, "Idempotency").attach(function(scope, timeout=timeout))


def test_a_timeout_that_is_a_token_with_a_lease_is_accepted() -> None:
    scope = stack()
    timeout = Duration.seconds(CfnParameter(scope, "Timeout", type="Number").value_as_number)
    payments = function(scope, timeout=timeout)
    Idempotency(scope, "Idempotency").attach(payments, lease=Duration.minutes(15))
    template(scope).resource_count_is("AWS::Lambda::LayerVersion", 1)


def test_the_namespace_is_the_path_below_the_stack() -> None:
    scope = stack()
    nested = Construct(scope, "Orders")
    worker = lambda_.Function(
        nested,
        "Worker",
        runtime=lambda_.Runtime.PYTHON_3_12,
        handler="index.handler",
        code=lambda_.Code.from_inline("pass"),
    )
    Idempotency(scope, "Idempotency").attach(worker)
    assert variables(template(scope))["IDEMPOTENCY_NAMESPACE"] == "Orders/Worker"


def test_the_namespace_can_be_pinned() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope), namespace="payments.v1")
    assert variables(template(scope))["IDEMPOTENCY_NAMESPACE"] == "payments.v1"


@pytest.mark.parametrize("namespace", ["", "a b", "pay*", "a#b", "x" * 129, "zahlung-ü"])
def test_a_namespace_that_cannot_be_fenced_is_refused(namespace: str) -> None:
    scope = stack()
    with _refused(f"[Stack/Payments] namespace is {namespace!r}; expected 1 to 128 of"):
        Idempotency(scope, "Idempotency").attach(function(scope), namespace=namespace)


def test_a_namespace_token_is_refused() -> None:
    scope = stack()
    parameter = CfnParameter(scope, "Parameter")
    with _refused("[Stack/Payments] namespace is a CDK token"):
        Idempotency(scope, "Idempotency").attach(
            function(scope), namespace=parameter.value_as_string
        )
