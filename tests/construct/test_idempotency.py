"""`Idempotency`: what `attach` gives a function, what it refuses, and what the app can use."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.synth import app, function, only, reference, stack, template, variables, vpc


def test_the_function_gets_the_layer_the_table_and_a_namespace() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope))
    found = template(scope)
    assert len(only(found, "AWS::Lambda::Function")["Layers"]) == 1
    [table] = found.find_resources("AWS::DynamoDB::Table")
    assert variables(found) == {
        "IDEMPOTENCY_TABLE": {"Ref": table},
        "IDEMPOTENCY_NAMESPACE": "Stack/Payments",
        "IDEMPOTENCY_TIMEOUT": "3",
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


# Refusals ----------------------------------------------------------------------------------------


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(message))


def test_a_second_attach_is_refused() -> None:
    scope = stack()
    payments = function(scope)
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(payments)
    with _refused("[Stack/Payments] it is attached to Stack/Idempotency already"):
        idempotency.attach(payments, namespace="again")


def test_an_attach_to_a_second_construct_is_refused() -> None:
    scope = stack()
    payments = function(scope)
    Idempotency(scope, "One").attach(payments)
    with _refused("[Stack/Payments] it is attached to Stack/One already; attach it once"):
        Idempotency(scope, "Two").attach(payments)


# Properties --------------------------------------------------------------------------------------


def test_the_table_is_the_new_one() -> None:
    idempotency = Idempotency(stack(), "Idempotency")
    assert idempotency.table is not None
    assert idempotency.table.node.path == "Stack/Idempotency/Table"
    assert idempotency.settings_parameter is None
    assert idempotency.secret is None
    assert idempotency.cache is None


def test_the_table_is_the_one_that_was_handed_in() -> None:
    scope = stack()
    table = dynamodb.Table.from_table_name(scope, "Mine", "records")
    store = IdempotencyStore.dynamodb(table=table)
    assert Idempotency(scope, "Idempotency", store=store).table is table


def test_a_table_can_be_granted_to_others() -> None:
    scope = stack()
    auditor = iam.Role(scope, "Auditor", assumed_by=iam.AccountRootPrincipal())
    table = Idempotency(scope, "Idempotency").table
    assert table is not None
    table.grant_read_data(auditor).assert_success()


def test_a_redis_server_has_its_parameter() -> None:
    scope = stack()
    store = IdempotencyStore.redis(parameter="/redis", credentials=RedisCredentials.none())
    idempotency = Idempotency(scope, "Idempotency", store=store)
    assert idempotency.settings_parameter == "/redis"
    assert idempotency.table is None
    assert idempotency.secret is None


def test_a_cache_has_its_parameter_and_its_secret() -> None:
    scope = stack()
    store = IdempotencyStore.elasticache_serverless(
        vpc=vpc(scope), credentials=RedisCredentials.secret()
    )
    idempotency = Idempotency(scope, "Idempotency", store=store)
    assert idempotency.cache is not None
    assert idempotency.secret is not None
    assert idempotency.secret.node.path == "Stack/Idempotency/Secret"
    settings = reference(idempotency.node.find_child("Settings"))
    assert scope.resolve(idempotency.settings_parameter) == settings


def test_namespaces_are_told_by_function() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(function(scope, "Payments"))
    idempotency.attach(function(scope, "Refunds"), namespace="shop/refunds")
    assert idempotency.namespaces == {
        "Stack/Payments": "Stack/Payments",
        "Stack/Refunds": "shop/refunds",
    }


# The environment for tests ------------------------------------------------------------------------


def test_the_environment_for_tests_is_that_of_the_function_with_records_in_memory() -> None:
    scope = stack()
    payments = function(scope)
    idempotency = Idempotency(scope, "Idempotency", key="id")
    idempotency.attach(payments, wrap_handler=True, max_attempts=2)
    assert idempotency.environment_of(payments) == {
        "IDEMPOTENCY_STORE": "memory",
        "IDEMPOTENCY_NAMESPACE": "Stack/Payments",
        "IDEMPOTENCY_HANDLER": "index.handler",
        "IDEMPOTENCY_KEY": "id",
        "IDEMPOTENCY_MAX_ATTEMPTS": "2",
        "IDEMPOTENCY_TIMEOUT": "3",
    }


def test_a_function_that_is_not_attached_has_no_environment() -> None:
    scope = stack()
    with pytest.raises(ValueError, match="Stack/Payments is not attached here"):
        Idempotency(scope, "Idempotency").environment_of(function(scope))
