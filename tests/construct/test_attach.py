"""What `attach` gives a function."""

from __future__ import annotations

from typing import Any

import jsii
import pytest
from aws_cdk import Duration, IStableStringProducer, Lazy
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency, IdempotencyOptions
from constructs import Construct
from kit.synth import app, function, only, stack, template, variables


@jsii.implements(IStableStringProducer)
class _Text:
    def produce(self) -> str:
        return "resolved"


def test_the_function_gets_the_layer_the_table_and_a_namespace() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope))
    found = template(scope)
    assert len(only(found, "AWS::Lambda::Function")["Layers"]) == 1
    [table] = found.find_resources("AWS::DynamoDB::Table")
    assert variables(found) == {
        "IDEMPOTENCY_TABLE": {"Ref": table},
        "IDEMPOTENCY_NAMESPACE": "Payments",
        "IDEMPOTENCY_LEASE": "3",
        "IDEMPOTENCY_URL_SUFFIX": {"Ref": "AWS::URLSuffix"},
    }


def test_a_function_that_is_not_attached_gets_nothing() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency")
    function(scope)
    found = template(scope)
    assert "Layers" not in only(found, "AWS::Lambda::Function")
    found.resource_count_is("AWS::Lambda::LayerVersion", 0)
    found.resource_count_is("AWS::IAM::Policy", 0)


def test_the_functions_own_variables_stay() -> None:
    scope = stack()
    payments = function(scope, environment={"LEDGER": "one"})
    Idempotency(scope, "Idempotency").attach(payments)
    assert variables(template(scope))["LEDGER"] == "one"


def test_the_lease_is_the_functions_timeout() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope, timeout=Duration.minutes(2)))
    assert variables(template(scope))["IDEMPOTENCY_LEASE"] == "120"


def test_a_lease_that_is_given_wins_over_the_timeout() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", lease=Duration.seconds(40))
    idempotency.attach(function(scope, timeout=Duration.minutes(2)))
    assert variables(template(scope))["IDEMPOTENCY_LEASE"] == "40"


PROPS: list[tuple[IdempotencyOptions, dict[str, str]]] = [
    ({"key": "body.order_id"}, {"KEY": "body.order_id"}),
    ({"fingerprint": "body.amount"}, {"FINGERPRINT": "body.amount"}),
    ({"expires_after": Duration.days(7)}, {"EXPIRES_AFTER": "604800"}),
    ({"on_in_progress": "wait"}, {"ON_IN_PROGRESS": "wait"}),
    ({"wait_timeout": Duration.millis(1500)}, {"WAIT_TIMEOUT": "1.5"}),
    ({"max_attempts": 3}, {"MAX_ATTEMPTS": "3"}),
    ({"cache_size": 100}, {"CACHE_SIZE": "100"}),
    ({"on_missing_key": "bypass"}, {"ON_MISSING_KEY": "bypass"}),
    ({"fail_open": True}, {"FAIL_OPEN": "true"}),
]


@pytest.mark.parametrize(("props", "expected"), PROPS, ids=lambda value: next(iter(value)))
def test_a_prop_of_the_construct_reaches_the_function(
    props: IdempotencyOptions, expected: dict[str, str]
) -> None:
    scope = stack()
    Idempotency(scope, "Idempotency", **props).attach(function(scope))
    assert _added(variables(template(scope))) == expected


@pytest.mark.parametrize(("props", "expected"), PROPS, ids=lambda value: next(iter(value)))
def test_a_prop_of_attach_reaches_that_function_alone(
    props: IdempotencyOptions, expected: dict[str, str]
) -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(function(scope, "One"), **props)
    idempotency.attach(function(scope, "Two"))
    one, two = (
        resource["Properties"]["Environment"]["Variables"]
        for resource in template(scope).find_resources("AWS::Lambda::Function").values()
    )
    assert _added(one) == expected
    assert _added(two) == {}


def test_a_prop_of_attach_wins_over_the_constructs() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", key="id", max_attempts=3)
    idempotency.attach(function(scope), key="order.id")
    found = variables(template(scope))
    assert (found["IDEMPOTENCY_KEY"], found["IDEMPOTENCY_MAX_ATTEMPTS"]) == ("order.id", "3")


def test_a_text_prop_may_be_a_token() -> None:
    scope = stack()
    key = Lazy.string(_Text())
    Idempotency(scope, "Idempotency", key=key).attach(function(scope))
    assert variables(template(scope))["IDEMPOTENCY_KEY"] == "resolved"


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


def test_a_hundred_functions_share_one_table_and_one_layer() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    for number in range(100):
        idempotency.attach(function(scope, f"Function{number}"))
    found = template(scope)
    found.resource_count_is("AWS::Lambda::Function", 100)
    found.resource_count_is("AWS::Lambda::LayerVersion", 1)
    found.resource_count_is("AWS::DynamoDB::Table", 1)


def test_a_function_in_another_stack_gets_a_layer_of_its_own_stack() -> None:
    root = app()
    home, away = stack(root, "Home"), stack(root, "Away")
    Idempotency(home, "Idempotency").attach(function(away))
    template(away).resource_count_is("AWS::Lambda::LayerVersion", 1)
    template(home).resource_count_is("AWS::Lambda::LayerVersion", 0)


def test_only_the_tables_name_crosses_stacks() -> None:
    root = app()
    home, away = stack(root, "Home"), stack(root, "Away")
    Idempotency(home, "Idempotency").attach(function(away))
    template(away)
    outputs: dict[str, Any] = template(home).to_json()["Outputs"]
    [table] = template(home).find_resources("AWS::DynamoDB::Table")
    assert [output["Value"] for output in outputs.values()] == [{"Ref": table}]


def test_a_changed_setting_makes_a_new_current_version() -> None:
    def version(**props: Any) -> str:
        scope = stack()
        payments = function(scope)
        Idempotency(scope, "Idempotency", **props).attach(payments)
        payments.current_version  # noqa: B018 - reading it creates the version
        [logical_id] = template(scope).find_resources("AWS::Lambda::Version")
        return logical_id

    assert version() == version()
    assert version() != version(max_attempts=2)


def _added(found: dict[str, Any]) -> dict[str, str]:
    """The variables beyond those that every attached function has."""
    added = {name.removeprefix("IDEMPOTENCY_"): value for name, value in found.items()}
    for always in ("TABLE", "URL_SUFFIX", "NAMESPACE", "LEASE"):
        added.pop(always)
    return added
