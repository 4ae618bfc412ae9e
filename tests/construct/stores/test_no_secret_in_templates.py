"""No template holds a secret: what leads to one is a reference."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ssm as ssm

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials, RedisRotation
from kit.redis.apps import ADMIN, imported_secret
from kit.synth import function, stack, template, vpc


def _new_secret(scope: Stack) -> IdempotencyStore:
    rotation = RedisRotation.elasticache()
    return IdempotencyStore.elasticache_serverless(
        vpc=vpc(scope), credentials=RedisCredentials.secret(rotation=rotation)
    )


def _given_secret(scope: Stack) -> IdempotencyStore:
    return IdempotencyStore.elasticache_serverless(
        vpc=vpc(scope), credentials=RedisCredentials.secret(imported_secret(scope), username="app")
    )


def _tokens(scope: Stack) -> IdempotencyStore:
    return IdempotencyStore.elasticache_serverless(vpc=vpc(scope))


def _server(scope: Stack) -> IdempotencyStore:
    rotation = RedisRotation.acl(admin=imported_secret(scope, ADMIN))
    credentials = RedisCredentials.secret(imported_secret(scope), username="app", rotation=rotation)
    return IdempotencyStore.redis(host="redis.example.com", credentials=credentials)


def _secure_string(scope: Stack) -> IdempotencyStore:
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(
        scope, "Password", parameter_name="/app/password"
    )
    return IdempotencyStore.redis(
        host="redis.example.com", credentials=RedisCredentials.secure_string(parameter)
    )


STORES = pytest.mark.parametrize(
    "store", [_new_secret, _given_secret, _tokens, _server, _secure_string]
)


@cache
def _synthesized(store: Any) -> dict[str, Any]:
    scope = stack()
    bound = store(scope)
    home = scope.node.try_find_child("Vpc")
    attached = function(scope) if home is None else function(scope, vpc=home)
    Idempotency(scope, "Idempotency", store=bound).attach(attached)
    return dict(template(scope).to_json())


def _values(node: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value of a template that is no object, with its path; a join is one text."""
    if isinstance(node, dict) and "Fn::Join" in node:
        separator, parts = node["Fn::Join"]
        yield path, separator.join(p if isinstance(p, str) else json.dumps(p) for p in parts)
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _values(value, *path, name)
    elif isinstance(node, list):
        for value in node:
            yield from _values(value, *path)
    else:
        yield path, node


@STORES
def test_what_is_a_password_is_a_reference(store: Any) -> None:
    for path, value in _values(_synthesized(store)["Resources"]):
        if "password" in path[-1].lower() and path[-1] != "PasswordLength":
            assert re.fullmatch(
                r"\{\{resolve:secretsmanager:.+:SecretString:password::\}\}", value
            ), path


@STORES
def test_no_secret_has_a_literal_value(store: Any) -> None:
    for path, value in _values(_synthesized(store)["Resources"]):
        assert path[-1] != "SecretString", path
        if path[-1] == "SecretStringTemplate":
            assert json.loads(value).keys() == {"username"}


@STORES
def test_dynamic_references_are_in_the_users_password_alone(store: Any) -> None:
    for path, value in _values(_synthesized(store)):
        if "{{resolve:" in str(value):
            assert path[-2:] == ("AuthenticationMode", "Passwords"), path


@STORES
def test_environments_name_secrets_and_hold_none(store: Any) -> None:
    for path, value in _values(_synthesized(store)["Resources"]):
        if "Variables" not in path:
            continue
        assert "{{resolve" not in value
        if path[-1] in ("IDEMPOTENCY_ROTATION_SECRET", "IDEMPOTENCY_ROTATION_ADMIN"):
            assert value.startswith("arn:aws:secretsmanager:"), path
        assert "PASSWORD" not in path[-1]


@STORES
def test_the_settings_say_where_the_secret_is_and_hold_none(store: Any) -> None:
    allowed = {"type", "id", "name", "cache", "user", "serverless", "refresh_after"}
    found = [
        value
        for path, value in _values(_synthesized(store)["Resources"])
        if path[-1] == "Value" and str(value).startswith("{")
    ]
    [text] = found
    text = re.sub(r'\{"(Ref|Fn::GetAtt)": [^}]*\}', "0", text)
    assert json.loads(text)["credentials"].keys() <= allowed
