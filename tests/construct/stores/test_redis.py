"""The parameter that `IdempotencyStore.redis()` writes or accepts."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import jsii
import pytest
from aws_cdk import CfnParameter, IStableNumberProducer, Lazy, Token
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Template

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.synth import app, arn, function, only, reference, stack, statements, template, variables
from lambda_idempotency.contract.redis import RedisSettings

PARAMETER = "AWS::SSM::Parameter"
NONE = RedisCredentials.none()
PEM = "-----BEGIN CERTIFICATE-----"


@jsii.implements(IStableNumberProducer)
class _Number:
    def produce(self) -> float:
        return 6390


def _redis(**settings: Any) -> IdempotencyStore:
    return IdempotencyStore.redis(**{"credentials": NONE, "host": "redis.example.com", **settings})


@cache
def _synthesized(store: IdempotencyStore) -> Template:
    scope = stack()
    Idempotency(scope, "Idempotency", store=store).attach(function(scope))
    return template(scope)


def _document(found: Template) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(only(found, PARAMETER)["Value"])
    return document


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(f"[Stack/Idempotency] {message}"))


def test_the_function_gets_the_parameters_name_and_no_table() -> None:
    found = _synthesized(_redis())
    [parameter] = found.find_resources(PARAMETER)
    assert variables(found) == {
        "IDEMPOTENCY_STORE": "redis",
        "IDEMPOTENCY_PARAMETER": {"Ref": parameter},
        "IDEMPOTENCY_NAMESPACE": "Stack/Payments",
        "IDEMPOTENCY_TIMEOUT": "3",
        "IDEMPOTENCY_URL_SUFFIX": {"Ref": "AWS::URLSuffix"},
    }
    found.resource_count_is("AWS::DynamoDB::Table", 0)


def test_what_has_its_default_is_not_written() -> None:
    assert _document(_synthesized(_redis())) == {
        "host": "redis.example.com",
        "credentials": {"type": "none"},
    }


def test_every_setting_reaches_the_runtime() -> None:
    found = _synthesized(_redis(port=6380, database=3, ca=PEM))
    assert RedisSettings.parse(only(found, PARAMETER)["Value"], "/p") == RedisSettings(
        host="redis.example.com", port=6380, database=3, ca=PEM
    )
    found = _synthesized(_redis(tls=False, cluster=True))
    assert RedisSettings.parse(only(found, PARAMETER)["Value"], "/p") == RedisSettings(
        host="redis.example.com", tls=False, cluster=True
    )


def test_host_and_port_may_be_known_at_deployment_only() -> None:
    scope = stack()
    group = elasticache.CfnReplicationGroup(scope, "Cache", replication_group_description="cache")
    store = _redis(
        host=group.attr_primary_end_point_address, port=group.attr_primary_end_point_port
    )
    Idempotency(scope, "Idempotency", store=store)
    host, port = (reference(group, f"PrimaryEndPoint.{name}") for name in ("Address", "Port"))
    assert only(template(scope), PARAMETER)["Value"]["Fn::Join"][1] == [
        '{"host":"',
        host,
        '","port":"',
        port,
        '","credentials":{"type":"none"}}',
    ]


def test_a_port_may_be_a_number_that_is_not_known_yet() -> None:
    found = _synthesized(_redis(port=Lazy.number(_Number())))
    assert _document(found)["port"] == 6390


def test_a_parameter_is_a_standard_one() -> None:
    assert "Tier" not in only(_synthesized(_redis()), PARAMETER)


def test_a_ca_that_a_standard_parameter_cannot_hold_takes_an_advanced_one() -> None:
    assert "Tier" not in only(_synthesized(_redis(ca=PEM + "x" * 3900)), PARAMETER)
    assert only(_synthesized(_redis(ca=PEM + "x" * 4100)), PARAMETER)["Tier"] == "Advanced"


def test_a_ca_that_no_parameter_can_hold_is_refused() -> None:
    with _refused("the server's settings have 8") as caught:
        _synthesized(_redis(ca=PEM + "x" * 8200))
    assert "an SSM parameter holds 8192: shorten ca" in str(caught.value)


def test_what_is_known_at_deployment_only_counts_as_long() -> None:
    token = Token.as_string({"Fn::ImportValue": "host"})
    assert (
        only(_synthesized(_redis(ca=PEM + "x" * 3900, host=token)), PARAMETER)["Tier"] == "Advanced"
    )


def test_two_constructs_can_use_one_value() -> None:
    scope, store = stack(), _redis()
    Idempotency(scope, "One", store=store)
    Idempotency(scope, "Two", store=store)
    template(scope).resource_count_is(PARAMETER, 2)


def test_only_the_parameters_name_crosses_stacks() -> None:
    root = app()
    home, away = stack(root, "Home"), stack(root, "Away")
    Idempotency(home, "Idempotency", store=_redis()).attach(function(away))
    [statement] = statements(template(away))
    outputs: dict[str, Any] = template(home).to_json()["Outputs"]
    [parameter] = template(home).find_resources(PARAMETER)
    assert [output["Value"] for output in outputs.values()] == [{"Ref": parameter}]
    assert "Fn::ImportValue" in statement["Resource"]["Fn::Join"][1][-1]


@pytest.mark.parametrize("name", ["/app/redis", "redis"])
def test_an_existing_parameter_is_used_by_its_name(name: str) -> None:
    found = _synthesized(IdempotencyStore.redis(parameter=name, credentials=NONE))
    found.resource_count_is(PARAMETER, 0)
    assert variables(found)["IDEMPOTENCY_PARAMETER"] == name
    assert statements(found) == [
        {
            "Effect": "Allow",
            "Action": "ssm:GetParameter",
            "Resource": arn("ssm", "parameter/", name.removeprefix("/")),
        }
    ]


def test_an_existing_parameter_is_used_as_a_construct() -> None:
    scope = stack()
    parameter = ssm.StringParameter(scope, "Parameter", string_value="{}")
    store = IdempotencyStore.redis(parameter=parameter, credentials=NONE)
    Idempotency(scope, "Idempotency", store=store).attach(function(scope))
    found = template(scope)
    found.resource_count_is(PARAMETER, 1)
    assert variables(found)["IDEMPOTENCY_PARAMETER"] == reference(parameter)
    assert [statement["Resource"] for statement in statements(found)] == [
        arn("ssm", "parameter/", reference(parameter))
    ]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"host": "h"}, "host"),
        ({"port": 1}, "port"),
        ({"tls": False}, "tls"),
        ({"cluster": True, "ca": PEM}, "cluster, ca"),
        ({"database": 1}, "database"),
    ],
)
def test_an_existing_parameter_with_settings_beside_it_is_refused(
    settings: dict[str, Any], names: str
) -> None:
    store = IdempotencyStore.redis(parameter="/p", credentials=NONE, **settings)
    with _refused(f"parameter has all settings of the server already; leave out {names}, or"):
        _synthesized(store)


@pytest.mark.parametrize("name", ["", "/"])
def test_a_parameter_without_a_name_is_refused(name: str) -> None:
    with _refused(f"parameter is {name!r}; expected a parameter or its name"):
        _synthesized(IdempotencyStore.redis(parameter=name, credentials=NONE))


def test_a_name_that_is_a_token_is_refused() -> None:
    scope = stack()
    name = CfnParameter(scope, "Name").value_as_string
    store = IdempotencyStore.redis(parameter=name, credentials=NONE)
    with _refused("parameter is a CDK token; pass the parameter itself"):
        Idempotency(scope, "Idempotency", store=store)


def test_a_server_without_a_host_is_refused() -> None:
    with _refused("host is missing; pass it, or parameter=..."):
        _synthesized(_redis(host=None))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"host": ""}, "host is not as expected: a host name"),
        ({"host": "redis://redis.example.com"}, "host is not as expected: a host name"),
        ({"port": 0}, "port is not as expected: a whole number from 1 to 65535"),
        ({"port": 65536}, "port is not as expected: a whole number from 1 to 65535"),
        ({"port": "redis"}, "port is not as expected: a whole number from 1 to 65535"),
        ({"tls": "yes"}, "tls is not as expected: true or false"),
        ({"database": -1}, "database is not as expected: a whole number from 0"),
        ({"ca": "/certificates/ca.pem"}, "ca is not as expected: PEM text"),
        ({"cluster": True, "database": 1}, "database is for a single server"),
        ({"ca": PEM, "tls": False}, "ca is for tls, which is false"),
    ],
)
def test_settings_that_the_runtime_would_refuse_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    with _refused(message):
        _synthesized(_redis(**settings))


def test_settings_beside_a_token_are_checked_all_the_same() -> None:
    with _refused("ca is for tls"):
        _synthesized(_redis(port=Lazy.number(_Number()), ca=PEM, tls=False))


def test_a_database_that_is_a_token_is_refused() -> None:
    with _refused("database is a CDK token; pass a value that is known at synth"):
        _synthesized(_redis(database=Lazy.number(_Number())))


def test_grant_use_lets_somebody_else_use_the_server() -> None:
    scope = stack()
    role = iam.Role(scope, "Worker", assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"))
    grant = Idempotency(scope, "Idempotency", store=_redis()).grant_use(role, namespace="worker")
    assert grant.success
    found = template(scope)
    [parameter] = found.find_resources(PARAMETER)
    assert statements(found, "Worker") == [
        {
            "Effect": "Allow",
            "Action": "ssm:GetParameter",
            "Resource": arn("ssm", "parameter/", {"Ref": parameter}),
        }
    ]
