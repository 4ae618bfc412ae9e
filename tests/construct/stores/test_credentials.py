"""Each kind of `RedisCredentials`: its part of the settings, and its grants."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.synth import arn, function, only, reference, stack, statements, template

COMPLETE = "arn:aws:secretsmanager:us-east-1:111111111111:secret:redis-AbCdEf"
KEY = "arn:aws:kms:us-east-1:111111111111:key/01234567-89ab-cdef-0123-456789abcdef"


def _attached(scope: Stack, credentials: RedisCredentials, **settings: Any) -> None:
    store = IdempotencyStore.redis(
        **{"host": "redis.example.com", "credentials": credentials, **settings}
    )
    Idempotency(scope, "Idempotency", store=store).attach(function(scope))


def _document(scope: Stack) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(only(template(scope), "AWS::SSM::Parameter")["Value"])
    return document


def _granted(scope: Stack) -> list[dict[str, Any]]:
    """The statements beside that for the settings."""
    settings, *others = statements(template(scope))
    assert settings["Action"] == "ssm:GetParameter"
    return others


def _allowed(action: str, resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(f"[Stack/Idempotency] {message}"))


def test_a_secret_is_named_by_its_arn_and_may_be_read() -> None:
    scope = stack()
    secret = secretsmanager.Secret.from_secret_complete_arn(scope, "Secret", COMPLETE)
    _attached(scope, RedisCredentials.secret(secret))
    assert _document(scope) == {
        "host": "redis.example.com",
        "credentials": {"type": "secretsmanager", "id": COMPLETE, "refresh_after": 900},
    }
    assert _granted(scope) == [_allowed("secretsmanager:GetSecretValue", COMPLETE)]


def test_a_secret_of_this_app_may_be_read() -> None:
    scope = stack()
    secret = secretsmanager.Secret(scope, "Secret")
    _attached(scope, RedisCredentials.secret(secret))
    assert _granted(scope) == [_allowed("secretsmanager:GetSecretValue", reference(secret))]
    document = only(template(scope), "AWS::SSM::Parameter")["Value"]["Fn::Join"][1]
    assert document[1] == reference(secret)


def test_a_secret_known_by_its_name_may_be_read_with_its_random_end() -> None:
    scope = stack()
    secret = secretsmanager.Secret.from_secret_name_v2(scope, "Secret", "app/redis")
    _attached(scope, RedisCredentials.secret(secret))
    assert _document(scope)["credentials"]["id"] == "app/redis"
    assert _granted(scope) == [
        _allowed(
            "secretsmanager:GetSecretValue",
            arn("secretsmanager", "secret:", "app/redis-??????"),
        )
    ]


def test_the_customer_key_of_a_secret_may_decrypt() -> None:
    scope = stack()
    key = kms.Key(scope, "Key")
    _attached(
        scope,
        RedisCredentials.secret(secretsmanager.Secret(scope, "Secret", encryption_key=key)),
    )
    [_, decrypt] = _granted(scope)
    assert decrypt == _allowed("kms:Decrypt", reference(key, "Arn"))


def test_the_name_in_a_secret_may_be_told() -> None:
    scope = stack()
    secret = secretsmanager.Secret.from_secret_complete_arn(scope, "Secret", COMPLETE)
    _attached(scope, RedisCredentials.secret(secret, username="app"))
    assert _document(scope)["username"] == "app"


def test_a_secret_that_is_missing_is_refused() -> None:
    with _refused("RedisCredentials.secret() needs the secret of a server that one has"):
        _attached(stack(), RedisCredentials.secret())


def test_a_secure_string_is_named_and_may_be_read() -> None:
    scope = stack()
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(
        scope, "Password", parameter_name="/app/password"
    )
    _attached(scope, RedisCredentials.secure_string(parameter, username="app"))
    assert _document(scope) == {
        "host": "redis.example.com",
        "username": "app",
        "credentials": {"type": "ssm", "name": "/app/password", "refresh_after": 900},
    }
    assert _granted(scope) == [
        _allowed("ssm:GetParameter", arn("ssm", "parameter/", "app/password"))
    ]


def test_the_customer_key_of_a_secure_string_may_decrypt() -> None:
    scope = stack()
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(
        scope, "Password", parameter_name="/app/password"
    )
    key = kms.Key.from_key_arn(scope, "Key", KEY)
    _attached(scope, RedisCredentials.secure_string(parameter, encryption_key=key))
    [_, decrypt] = _granted(scope)
    assert decrypt == _allowed("kms:Decrypt", KEY)


def test_iam_may_connect_as_that_user_to_that_serverless_cache() -> None:
    scope = stack()
    _attached(scope, RedisCredentials.iam(cache="records", user="app"), cluster=True)
    assert _document(scope)["credentials"] == {
        "type": "iam",
        "cache": "records",
        "user": "app",
        "serverless": True,
    }
    assert _granted(scope) == [
        {
            "Effect": "Allow",
            "Action": "elasticache:Connect",
            "Resource": [
                arn("elasticache", "serverlesscache:", "records"),
                arn("elasticache", "user:", "app"),
            ],
        }
    ]


def test_iam_may_connect_to_a_replication_group() -> None:
    scope = stack()
    _attached(scope, RedisCredentials.iam(cache="records", user="app", serverless=False))
    assert _document(scope)["credentials"]["serverless"] is False
    [connect] = _granted(scope)
    assert connect["Resource"][0] == arn("elasticache", "replicationgroup:", "records")


@pytest.mark.parametrize("names", [{}, {"cache": "records"}, {"user": "app"}], ids=str)
def test_iam_without_its_names_is_refused(names: dict[str, Any]) -> None:
    with _refused("RedisCredentials.iam() needs cache=... and user=..."):
        _attached(stack(), RedisCredentials.iam(**names), cluster=True)


@pytest.mark.parametrize("names", [{"cache": "Records"}, {"user": "App"}], ids=str)
def test_a_name_that_elasticache_would_not_keep_is_refused(names: dict[str, Any]) -> None:
    [(name, value)] = names.items()
    known: dict[str, Any] = {"cache": "records", "user": "app", **names}
    credentials = RedisCredentials.iam(**known)
    with _refused(f"{name} is {value!r}; ElastiCache keeps its names in lower case"):
        _attached(stack(), credentials, cluster=True)


def test_iam_without_tls_is_refused() -> None:
    credentials = RedisCredentials.iam(cache="records", user="app", serverless=False)
    with _refused("tls is False; ElastiCache takes IAM tokens over TLS only"):
        _attached(stack(), credentials, tls=False)


def test_iam_for_a_serverless_cache_that_is_no_cluster_is_refused() -> None:
    with _refused("cluster is False; a serverless cache speaks the cluster protocol"):
        _attached(stack(), RedisCredentials.iam(cache="records", user="app"))


def test_a_server_that_asks_nobody_needs_no_grant() -> None:
    scope = stack()
    _attached(scope, RedisCredentials.none())
    assert _document(scope)["credentials"] == {"type": "none"}
    assert _granted(scope) == []


def _secret(scope: Stack, **props: Any) -> RedisCredentials:
    secret = secretsmanager.Secret.from_secret_complete_arn(scope, "Secret", COMPLETE)
    return RedisCredentials.secret(secret, **props)


def _secure_string(scope: Stack, **props: Any) -> RedisCredentials:
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(
        scope, "Password", parameter_name="/app/password"
    )
    return RedisCredentials.secure_string(parameter, **props)


KINDS = pytest.mark.parametrize("kind", [_secret, _secure_string])


@KINDS
def test_refresh_after_reaches_the_runtime(kind: Any) -> None:
    scope = stack()
    _attached(scope, kind(scope, refresh_after=Duration.minutes(1)))
    assert _document(scope)["credentials"]["refresh_after"] == 60


@KINDS
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (60, "refresh_after is 60; expected a Duration"),
        (Duration.seconds(0), "refresh_after is not as expected: a number of seconds above 0"),
    ],
    ids=["a number", "zero"],
)
def test_a_bad_refresh_after_is_refused(kind: Any, value: Any, message: str) -> None:
    scope = stack()
    with _refused(message):
        _attached(scope, kind(scope, refresh_after=value))


@KINDS
def test_a_refresh_after_that_is_a_token_is_refused(kind: Any) -> None:
    scope = stack()
    seconds = CfnParameter(scope, "Seconds", type="Number").value_as_number
    with _refused("refresh_after is a CDK token"):
        _attached(scope, kind(scope, refresh_after=Duration.seconds(seconds)))


@KINDS
def test_refresh_after_beside_an_existing_parameter_is_refused(kind: Any) -> None:
    scope = stack()
    credentials = kind(scope, refresh_after=Duration.minutes(1))
    with _refused("parameter has all settings of the server, and refresh_after would be another"):
        _attached(scope, credentials, host=None, parameter="/app/redis")


@KINDS
def test_credentials_say_what_to_grant_beside_an_existing_parameter(kind: Any) -> None:
    scope = stack()
    _attached(scope, kind(scope), host=None, parameter="/app/redis")
    assert len(_granted(scope)) == 1


def test_the_name_of_a_secure_string_beside_an_existing_parameter_is_refused() -> None:
    scope = stack()
    credentials = _secure_string(scope, username="app")
    with _refused("parameter has all settings of the server, and username would be another"):
        _attached(scope, credentials, host=None, parameter="/app/redis")
