"""What the construct has made can be used by the app around it."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.synth import function, reference, stack, vpc


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
    assert idempotency.namespaces == {"Stack/Payments": "Payments", "Stack/Refunds": "shop/refunds"}
