"""The lease and the namespace of a function without options for them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, NestedStack, Stack, Stage
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from constructs import Construct
from kit.synth import app, function, stack, template, variables


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


def _namespace(scope: Construct, name: str = "Worker", **props: Any) -> str:
    """Return the namespace of a function there; `props` are those of `Idempotency`."""
    worker = lambda_.Function(
        scope,
        name,
        runtime=lambda_.Runtime.PYTHON_3_12,
        handler="index.handler",
        code=lambda_.Code.from_inline("pass"),
    )
    idempotency = Idempotency(scope, f"{name}Idempotency", **props)
    idempotency.attach(worker)
    [namespace] = idempotency.namespaces.values()
    return namespace


def test_the_namespace_is_the_name_of_the_stack_and_the_path_below_it() -> None:
    scope = stack()
    assert _namespace(Construct(scope, "Orders")) == "Stack/Orders/Worker"
    assert variables(template(scope))["IDEMPOTENCY_NAMESPACE"] == "Stack/Orders/Worker"


def test_the_namespace_has_the_name_that_a_stack_is_given() -> None:
    assert _namespace(stack(stack_name="orders-v1")) == "orders-v1/Worker"


def test_a_nested_stack_is_a_part_of_the_path_from_the_top_level_one() -> None:
    nested = NestedStack(Construct(stack(), "Shop"), "Nested")
    deeper = NestedStack(nested, "Deeper")
    assert _namespace(nested) == "Stack/Shop/Nested/Worker"
    assert _namespace(deeper) == "Stack/Shop/Nested/Deeper/Worker"


def test_two_stages_have_two_namespaces() -> None:
    root = app()
    dev, prod = (_namespace(Stack(Stage(root, name), "Shop")) for name in ("Dev", "Prod"))
    assert (dev, prod) == ("Dev-Shop/Worker", "Prod-Shop/Worker")


def test_a_long_namespace_is_shortened_and_still_told_from_others() -> None:
    scope = Construct(stack(), "x" * 115)
    short = _namespace(scope, "y" * 6)
    assert (len(short), short) == (128, f"Stack/{'x' * 115}/{'y' * 6}")
    one, other = (_namespace(scope, "y" * 6 + end) for end in "ab")
    assert (len(one), len(other)) == (128, 128)
    assert re.fullmatch("Stack/x{105}-[0-9a-f]{16}", one)
    assert one != other


def test_a_path_that_cannot_be_fenced_needs_a_namespace() -> None:
    with _refused("pass namespace=... to attach()"):
        _namespace(Construct(stack(), "two words"))


def test_the_namespace_can_be_pinned() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope), namespace="payments.v1")
    assert variables(template(scope))["IDEMPOTENCY_NAMESPACE"] == "payments.v1"


def test_a_prefix_begins_each_namespace() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", namespace_prefix="shop.v1")
    idempotency.attach(function(scope, "One"))
    idempotency.attach(function(scope, "Two"), namespace="two")
    assert [*idempotency.namespaces.values()] == ["shop.v1/Stack/One", "shop.v1/two"]


def test_a_prefix_stays_whole_in_a_shortened_namespace() -> None:
    prefix = "p" * 64
    namespace = _namespace(Construct(stack(), "x" * 200), namespace_prefix=prefix)
    assert len(namespace) == 128
    assert namespace.startswith(f"{prefix}/Stack/x")


@pytest.mark.parametrize("prefix", ["", "a b", "pay*", "a#b", "p" * 65, "a/b", "a/"])
def test_a_prefix_that_cannot_begin_a_namespace_is_refused(prefix: str) -> None:
    with _refused(f"[Stack/Idempotency] namespace_prefix is {prefix!r}; expected"):
        Idempotency(stack(), "Idempotency", namespace_prefix=prefix)


def test_a_prefix_that_is_a_token_is_refused() -> None:
    scope = stack()
    with _refused("[Stack/Idempotency] namespace_prefix is a CDK token"):
        prefix = CfnParameter(scope, "Parameter").value_as_string
        Idempotency(scope, "Idempotency", namespace_prefix=prefix)


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
