"""Two functions of an app with one namespace in one store are reported, however they come to it."""

from __future__ import annotations

from typing import Any, Final

import pytest
from aws_cdk import App, CfnParameter, Environment, Fn, NestedStack, Stack, Stage
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.synth import US, app, function, stack

EU: Final = Environment(account="111111111111", region="eu-west-1")
OTHER: Final = Environment(account="222222222222", region="us-east-1")


def _errors(root: App) -> list[str]:
    """Return the lines of this rule in the error that ends the synthesis."""
    try:
        root.synth()
    except RuntimeError as error:
        return [line for line in str(error).splitlines() if "[cdk-idempotency:shared-name" in line]
    return []


def _attach(scope: Stack, store: IdempotencyStore | None = None, **options: Any) -> Idempotency:
    """Attach a function `Handler`, in an `Idempotency` of its own."""
    handler = lambda_.Function(
        scope,
        "Handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): return event"),
    )
    idempotency = Idempotency(scope, "Idempotency", store=store)
    idempotency.attach(handler, **options)
    return idempotency


def _table(scope: Stack) -> IdempotencyStore:
    return IdempotencyStore.dynamodb(
        table=dynamodb.Table.from_table_name(scope, "Shared", "records")
    )


def _table_by_arn(scope: Stack) -> IdempotencyStore:
    arn = scope.format_arn(service="dynamodb", resource="table", resource_name="records")
    return IdempotencyStore.dynamodb(table=dynamodb.Table.from_table_arn(scope, "Shared", arn))


def _table_of_an_export(scope: Stack) -> IdempotencyStore:
    table = dynamodb.Table.from_table_name(scope, "Shared", Fn.import_value("records"))
    return IdempotencyStore.dynamodb(table=table)


def _table_of_a_parameter(scope: Stack) -> IdempotencyStore:
    name = ssm.StringParameter.value_for_string_parameter(scope, "/shared/records")
    return IdempotencyStore.dynamodb(table=dynamodb.Table.from_table_name(scope, "Shared", name))


def _server(scope: Stack, **options: Any) -> IdempotencyStore:
    given = {"host": "redis.example.com", "credentials": RedisCredentials.none(), **options}
    return IdempotencyStore.redis(**given)


def _server_of_a_parameter(scope: Stack) -> IdempotencyStore:
    return IdempotencyStore.redis(parameter="/redis", credentials=RedisCredentials.none())


IMPORTED: Final = [
    _table,
    _table_by_arn,
    _table_of_an_export,
    _table_of_a_parameter,
    _server,
    _server_of_a_parameter,
]
imported = pytest.mark.parametrize("make", IMPORTED, ids=lambda each: each.__name__[1:])


# Pinned namespaces --------------------------------------------------------------------------------


def test_two_functions_of_one_construct_are_reported() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    for name in ("One", "Two"):
        idempotency.attach(function(scope, name), namespace="shared")
    [error] = _errors(scope.node.root)  # type: ignore[arg-type]
    assert "Stack/Two: its namespace 'shared' is that of Stack/One too" in error
    assert "Pass another namespace=... to attach()" in error


def test_two_constructs_on_one_table_of_the_app_are_reported() -> None:
    scope = stack()
    one = Idempotency(scope, "One")
    assert one.table is not None
    two = Idempotency(scope, "Two", store=IdempotencyStore.dynamodb(table=one.table))
    one.attach(function(scope, "First"), namespace="shared")
    two.attach(function(scope, "Second"), namespace="shared")
    assert len(_errors(scope.node.root)) == 1  # type: ignore[arg-type]


def test_two_constructs_with_a_table_each_are_in_order() -> None:
    scope = stack()
    for name in ("One", "Two"):
        Idempotency(scope, f"{name}s").attach(function(scope, name), namespace="shared")
    assert _errors(scope.node.root) == []  # type: ignore[arg-type]


def test_a_third_function_is_reported_once() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    for name in ("One", "Two", "Three"):
        idempotency.attach(function(scope, name), namespace="shared")
    assert len(_errors(scope.node.root)) == 2  # type: ignore[arg-type]


@imported
def test_two_stacks_on_one_imported_store_are_reported(make: Any) -> None:
    root = app()
    for name in ("A", "B"):
        scope = stack(root, name)
        _attach(scope, make(scope), namespace="shared")
    [error] = _errors(root)
    assert "B/Handler: its namespace 'shared' is that of A/Handler too" in error


@imported
def test_two_stages_on_one_imported_store_are_reported(make: Any) -> None:
    root = app()
    for name in ("Dev", "Prod"):
        scope = Stack(Stage(root, name), "Shop")
        _attach(scope, make(scope), namespace="shared")
    [error] = _errors(root)
    assert "Prod/Shop/Handler: its namespace 'shared' is that of Dev/Shop/Handler too" in error


def test_a_stage_and_a_stack_beside_it_are_reported() -> None:
    root = app()
    beside = stack(root, "Beside")
    _attach(beside, _table(beside), namespace="shared")
    scope = Stack(Stage(root, "Dev"), "Shop")
    _attach(scope, _table(scope), namespace="shared")
    assert len(_errors(root)) == 1


def test_a_table_that_is_imported_by_its_physical_name_is_known() -> None:
    root = app()
    home, away = stack(root, "Home"), Stack(Stage(root, "Dev"), "Away")
    key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    table = dynamodb.Table(
        home, "Table", table_name="records", partition_key=key, time_to_live_attribute="expiration"
    )
    _attach(home, IdempotencyStore.dynamodb(table=table), namespace="shared")
    _attach(away, _table(away), namespace="shared")
    assert len(_errors(root)) == 1


def test_a_servers_own_parameter_leads_to_the_same_server() -> None:
    scope = stack()
    one = Idempotency(scope, "One", store=_server(scope))
    parameter = one.node.find_child("Settings")
    assert isinstance(parameter, ssm.StringParameter)
    store = IdempotencyStore.redis(parameter=parameter, credentials=RedisCredentials.none())
    two = Idempotency(scope, "Two", store=store)
    one.attach(function(scope, "First"), namespace="shared")
    two.attach(function(scope, "Second"), namespace="shared")
    assert len(_errors(scope.node.root)) == 1  # type: ignore[arg-type]


def test_a_server_of_the_app_is_known_by_its_resource() -> None:
    root = app()
    home = stack(root, "Home")
    cache = elasticache.CfnServerlessCache(
        home, "Cache", engine="valkey", serverless_cache_name="cache"
    )
    for name in ("A", "B"):
        scope = stack(root, name)
        _attach(scope, _server(scope, host=cache.attr_endpoint_address), namespace="shared")
    assert len(_errors(root)) == 1


@pytest.mark.parametrize("host", ["Redis.Example.com", "redis.example.com."])
def test_a_server_is_one_however_its_host_is_written(host: str) -> None:
    root = app()
    for name, options in {"A": {}, "B": {"host": host}}.items():
        scope = stack(root, name)
        _attach(scope, _server(scope, **options), namespace="shared")
    assert len(_errors(root)) == 1


# Other stores -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other", [{"host": "other.example.com"}, {"port": 6380}, {"database": 1}], ids=str
)
def test_another_server_or_database_is_another_store(other: dict[str, Any]) -> None:
    root = app()
    for name, options in {"A": {}, "B": other}.items():
        scope = stack(root, name)
        _attach(scope, _server(scope, **options), namespace="shared")
    assert _errors(root) == []


@pytest.mark.parametrize("env", [EU, OTHER], ids=["region", "account"])
def test_a_table_of_that_name_elsewhere_is_another_one(env: Environment) -> None:
    root = app()
    for name, each in {"A": US, "B": env}.items():
        scope = stack(root, name, env=each)
        _attach(scope, _table(scope), namespace="shared")
    assert _errors(root) == []


def test_a_server_is_the_same_from_every_region() -> None:
    root = app()
    for name, each in {"A": US, "B": EU}.items():
        scope = stack(root, name, env=each)
        _attach(scope, _server(scope), namespace="shared")
    assert len(_errors(root)) == 1


def test_a_region_that_only_the_deployment_knows_may_be_the_same() -> None:
    root = app()
    for name, options in {"A": {"env": US}, "B": {}}.items():
        scope = stack(root, name, **options)
        _attach(scope, _table(scope), namespace="shared")
    assert len(_errors(root)) == 1


# Default namespaces -------------------------------------------------------------------------------


@imported
def test_two_stacks_and_two_stages_have_namespaces_of_their_own(make: Any) -> None:
    root = app()
    for scope in (
        stack(root, "A"),
        stack(root, "B"),
        Stack(Stage(root, "Dev"), "A"),
        Stack(Stage(root, "Prod"), "A"),
    ):
        _attach(scope, make(scope))
    assert _errors(root) == []


def test_two_nested_stacks_have_namespaces_of_their_own() -> None:
    scope = stack()
    for name in ("One", "Two"):
        nested = NestedStack(scope, name)
        _attach(nested, _table(nested))
    assert _errors(scope.node.root) == []  # type: ignore[arg-type]


def test_two_stages_whose_stacks_are_given_one_name_are_reported() -> None:
    root = app()
    for name in ("Dev", "Prod"):
        scope = Stack(Stage(root, name), "Shop", stack_name="shop")
        _attach(scope, _server(scope))
    assert len(_errors(root)) == 1


def test_a_prefix_for_each_tells_them_apart() -> None:
    root = app()
    for name in ("Dev", "Prod"):
        scope = Stack(Stage(root, name), "Shop", stack_name="shop")
        idempotency = Idempotency(
            scope, "Idempotency", store=_server(scope), namespace_prefix=name.lower()
        )
        idempotency.attach(function(scope))
    assert _errors(root) == []


def test_a_parameter_of_a_stack_names_one_table() -> None:
    scope = stack()
    name = CfnParameter(scope, "TableName").value_as_string
    for each in ("One", "Two"):
        table = dynamodb.Table.from_table_name(scope, f"{each}Table", name)
        idempotency = Idempotency(scope, f"{each}s", store=IdempotencyStore.dynamodb(table=table))
        idempotency.attach(function(scope, each), namespace="shared")
    assert len(_errors(scope.node.root)) == 1  # type: ignore[arg-type]
