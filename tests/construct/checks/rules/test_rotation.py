"""A rotation that may lock functions out is reported."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_secretsmanager as secretsmanager

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.checks import findings, problems
from kit.redis.apps import COMPLETE, acl_rotation, imported_secret, rotated_server
from kit.synth import app, function, stack, vpc

RULE = "rotation"


def _server(scope: Stack, secret: secretsmanager.ISecret, **props: Any) -> Idempotency:
    credentials = RedisCredentials.secret(secret, **props)
    store = IdempotencyStore.redis(host="redis.example.com", credentials=credentials)
    return Idempotency(scope, "Idempotency", store=store)


def _secret(scope: Stack, name: str = "Secret") -> secretsmanager.Secret:
    return secretsmanager.Secret(scope, name)


def _rotate(scope: Stack, secret: secretsmanager.ISecret) -> None:
    secret.add_rotation_schedule("Foreign", rotation_lambda=function(scope, "Rotator"))


def test_a_rotation_by_another_function_is_reported() -> None:
    scope = stack()
    secret = _secret(scope)
    idempotency = _server(scope, secret)
    _rotate(scope, secret)
    [finding] = findings(idempotency, RULE)
    assert finding.severity == "warning"
    assert finding.construct.node.path == "Stack/Secret/Foreign/Resource"
    assert "by a function that may not keep the old one valid" in finding.message
    assert "rotation=RedisRotation.acl(...) or .elasticache(...)" in finding.message


def test_a_rotation_of_an_imported_secret_by_another_function_is_reported() -> None:
    scope = stack()
    secret = imported_secret(scope)
    idempotency = _server(scope, secret)
    _rotate(scope, secret)
    assert len(findings(idempotency, RULE)) == 1


def test_a_raw_rotation_by_a_function_of_another_app_is_reported() -> None:
    scope = stack()
    idempotency = _server(scope, imported_secret(scope))
    secretsmanager.CfnRotationSchedule(
        scope,
        "Schedule",
        secret_id=COMPLETE,
        rotation_lambda_arn="arn:aws:lambda:us-east-1:111111111111:function:rotator",
        rotation_rules={"automaticallyAfterDays": 30},
    )
    [finding] = findings(idempotency, RULE)
    assert finding.construct.node.path == "Stack/Schedule"


def test_a_hosted_rotation_is_reported() -> None:
    scope = stack()
    secret = _secret(scope)
    idempotency = _server(scope, secret)
    hosted = secretsmanager.HostedRotation.postgre_sql_single_user(vpc=vpc(scope))
    secret.add_rotation_schedule("Hosted", hosted_rotation=hosted)
    assert len(findings(idempotency, RULE)) == 1


def test_a_rotation_in_another_stack_is_reported() -> None:
    root = app()
    store, scope = stack(root, "Store"), stack(root, "Functions")
    secret = _secret(store)
    idempotency = _server(scope, secret)
    idempotency.attach(function(scope))
    _rotate(store, secret)
    [finding] = findings(idempotency, RULE)
    assert finding.construct.node.path == "Store/Secret/Foreign/Resource"


def test_the_rotation_of_this_project_is_in_order() -> None:
    scope = stack()
    assert problems(rotated_server(scope, acl_rotation(scope), _secret(scope))) == {}


def test_the_rotation_of_another_construct_is_in_order() -> None:
    scope = stack()
    secret = _secret(scope)
    rotated_server(scope, acl_rotation(scope), secret)
    credentials = RedisCredentials.secret(secret)
    store = IdempotencyStore.redis(host="redis.example.com", credentials=credentials)
    assert problems(Idempotency(scope, "Other", store=store)) == {}


def test_a_rotation_of_another_secret_is_in_order() -> None:
    scope = stack()
    idempotency = _server(scope, _secret(scope))
    _rotate(scope, _secret(scope, "Other"))
    assert problems(idempotency) == {}
