"""The rotation function, its rights, and its network."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials, RedisRotation
from kit.checks import findings
from kit.redis.apps import (
    ADMIN,
    COMPLETE,
    acl_rotation,
    imported_secret,
    rotated_cache,
    rotated_server,
)
from kit.synth import arn, function, only, reference, stack, statements, template, vpc
from lambda_idempotency.contract.rotation import HANDLER, RotationSettings

FUNCTION = "AWS::Lambda::Function"
PARAMETER = "AWS::SSM::Parameter"
ROTATION = "IdempotencyRotation"
VERBS = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
]


@cache
def _server() -> Template:
    """A server whose password is rotated by `ACL SETUSER`."""
    scope = stack()
    rotated_server(scope, acl_rotation(scope))
    return template(scope)


@cache
def _cache() -> Template:
    """A new cache in a VPC whose password is rotated."""
    scope = stack()
    rotated_cache(scope, vpc(scope))
    return template(scope)


def _rotation(found: Template) -> dict[str, Any]:
    """The rotation function, which must be the only function."""
    return only(found, FUNCTION)


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(f"[Stack/Idempotency] {message}"))


def _allowed(action: Any, resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def test_the_function_runs_the_layers_handler() -> None:
    found = _server()
    rotation = _rotation(found)
    [layer] = found.find_resources("AWS::Lambda::LayerVersion")
    assert rotation["Handler"] == HANDLER
    assert rotation["Layers"] == [{"Ref": layer}]
    assert rotation["Timeout"] == 300
    assert "VpcConfig" not in rotation


def test_the_function_runs_on_the_newest_python() -> None:
    assert _rotation(_server())["Runtime"] == lambda_.Runtime.PYTHON_3_14.name


def test_the_environment_is_the_contract_for_acl() -> None:
    found = _server()
    [parameter] = found.find_resources(PARAMETER)
    variables = _rotation(found)["Environment"]["Variables"]
    assert variables.pop("IDEMPOTENCY_ROTATION_PARAMETER") == {"Ref": parameter}
    assert RotationSettings.from_environment(
        {**variables, "IDEMPOTENCY_ROTATION_PARAMETER": "/p"}
    ) == RotationSettings(
        strategy="acl", secret=COMPLETE, user="app", parameter="/p", admin=ADMIN, user_id=None
    )


def test_the_environment_is_the_contract_for_elasticache() -> None:
    found = _cache()
    [parameter] = found.find_resources(PARAMETER)
    [secret] = found.find_resources("AWS::SecretsManager::Secret")
    user = only(found, "AWS::ElastiCache::User")
    assert _rotation(found)["Environment"]["Variables"] == {
        "IDEMPOTENCY_ROTATION_STRATEGY": "elasticache",
        "IDEMPOTENCY_ROTATION_SECRET": {"Ref": secret},
        "IDEMPOTENCY_ROTATION_USER": user["UserName"],
        "IDEMPOTENCY_ROTATION_USER_ID": user["UserId"],
        "IDEMPOTENCY_ROTATION_PARAMETER": {"Ref": parameter},
    }


def test_acl_may_change_that_secret_and_read_the_admins_and_nothing_wider() -> None:
    found = _server()
    [parameter] = found.find_resources(PARAMETER)
    assert statements(found, ROTATION) == [
        _allowed(VERBS, COMPLETE),
        _allowed("ssm:GetParameter", arn("ssm", "parameter/", {"Ref": parameter})),
        _allowed("secretsmanager:GetSecretValue", ADMIN),
    ]


def test_elasticache_may_change_that_secret_and_that_user_and_nothing_wider() -> None:
    found = _cache()
    [parameter] = found.find_resources(PARAMETER)
    [secret] = found.find_resources("AWS::SecretsManager::Secret")
    user = only(found, "AWS::ElastiCache::User")["UserId"]
    assert statements(found, ROTATION) == [
        _allowed(VERBS, {"Ref": secret}),
        _allowed("ssm:GetParameter", arn("ssm", "parameter/", {"Ref": parameter})),
        _allowed(
            ["elasticache:DescribeUsers", "elasticache:ModifyUser"],
            arn("elasticache", "user:", user),
        ),
    ]


def test_customer_keys_are_granted() -> None:
    scope = stack()
    mine, admins = kms.Key(scope, "Mine"), kms.Key(scope, "Admins")
    secret = secretsmanager.Secret(scope, "Secret", encryption_key=mine)
    admin = secretsmanager.Secret(scope, "Admin", encryption_key=admins)
    rotated_server(scope, RedisRotation.acl(admin=admin), secret)
    keys = [
        statement
        for statement in statements(template(scope), ROTATION)
        if "kms:Decrypt" in statement["Action"]
    ]
    assert keys == [
        _allowed(["kms:Decrypt", "kms:GenerateDataKey"], reference(mine, "Arn")),
        _allowed("kms:Decrypt", reference(admins, "Arn")),
    ]


def test_an_admin_known_by_its_name_is_enough() -> None:
    scope = stack()
    admin = secretsmanager.Secret.from_secret_name_v2(scope, "Admin", "redis/admin")
    rotated_server(scope, RedisRotation.acl(admin=admin))
    found = template(scope)
    variables = _rotation(found)["Environment"]["Variables"]
    assert variables["IDEMPOTENCY_ROTATION_ADMIN"] == "redis/admin"
    assert statements(found, ROTATION)[-1]["Resource"] == arn(
        "secretsmanager", "secret:", "redis/admin-??????"
    )


def test_the_functions_of_the_app_get_no_right_of_the_rotation() -> None:
    scope = stack()
    credentials = RedisCredentials.secret(
        imported_secret(scope), username="app", rotation=acl_rotation(scope)
    )
    store = IdempotencyStore.redis(host="redis.example.com", credentials=credentials)
    Idempotency(scope, "Idempotency", store=store).attach(function(scope))
    actions = [statement["Action"] for statement in statements(template(scope))]
    assert actions == ["ssm:GetParameter", "secretsmanager:GetSecretValue"]


def test_elasticache_runs_in_the_caches_vpc_and_may_enter() -> None:
    found = _cache()
    [group] = [
        name
        for name in found.find_resources("AWS::EC2::SecurityGroup")
        if name.startswith("IdempotencyRotation")
    ]
    assert _rotation(found)["VpcConfig"]["SecurityGroupIds"] == [{"Fn::GetAtt": [group, "GroupId"]}]
    rule = only(found, "AWS::EC2::SecurityGroupIngress")
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": [group, "GroupId"]}


def test_elasticache_runs_in_the_subnets_of_choice() -> None:
    scope = stack()
    home = vpc(scope)
    one = ec2.SubnetSelection(subnets=[home.private_subnets[0]])
    rotated_cache(scope, home, vpc_subnets=one)
    assert len(_rotation(template(scope))["VpcConfig"]["SubnetIds"]) == 1


@pytest.mark.parametrize("nat", [True, False])
def test_a_rotation_that_is_cut_off_is_warned_of(*, nat: bool) -> None:
    scope = stack()
    found = findings(rotated_cache(scope, vpc(scope, nat=nat)), "vpc-endpoints")
    assert len(found) == (0 if nat else 1)
    for finding in found:
        assert finding.construct.node.path == "Stack/Idempotency/Rotation"
        assert "a route to SSM and Secrets Manager and the ElastiCache API" in finding.message


@pytest.mark.parametrize("nat", [True, False])
def test_acl_runs_in_the_vpc_of_choice(*, nat: bool) -> None:
    scope = stack()
    home = vpc(scope, nat=nat)
    group = ec2.SecurityGroup(scope, "Group", vpc=home)
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    subnets = None if nat else isolated
    idempotency = rotated_server(
        scope, acl_rotation(scope, vpc=home, vpc_subnets=subnets, security_groups=[group])
    )
    config = _rotation(template(scope))["VpcConfig"]
    assert config["SecurityGroupIds"] == [reference(group, "GroupId")]
    assert len(config["SubnetIds"]) == 2
    found = findings(idempotency, "vpc-endpoints")
    paths = [finding.construct.node.path for finding in found]
    assert paths == ([] if nat else ["Stack/Idempotency/Rotation"])


@pytest.mark.parametrize("prop", ["vpc_subnets", "security_groups"])
def test_subnets_and_groups_without_a_vpc_are_refused(prop: str) -> None:
    scope = stack()
    group = ec2.SecurityGroup(scope, "Group", vpc=vpc(scope))
    value = [group] if prop == "security_groups" else ec2.SubnetSelection()
    with _refused("vpc is missing; vpc_subnets and security_groups of a rotation are for its vpc"):
        rotated_server(scope, acl_rotation(scope, **{prop: value}))


def test_an_elasticache_user_of_ones_own_is_rotated_by_its_id() -> None:
    scope = stack()
    rotated_server(scope, RedisRotation.elasticache(user_id="app-1"))
    found = template(scope)
    variables = _rotation(found)["Environment"]["Variables"]
    assert variables["IDEMPOTENCY_ROTATION_USER_ID"] == "app-1"
    assert statements(found, ROTATION)[-1]["Resource"] == arn("elasticache", "user:", "app-1")


def test_an_elasticache_user_without_an_id_is_refused() -> None:
    scope = stack()
    with _refused("user_id is missing; pass RedisRotation.elasticache(user_id=...)"):
        rotated_server(scope, RedisRotation.elasticache())


def test_a_user_without_a_name_is_refused() -> None:
    scope = stack()
    with _refused("a rotation needs the user's name; pass username=..."):
        rotated_server(scope, acl_rotation(scope), username=None)


@pytest.mark.parametrize(
    "known",
    [
        lambda scope: secretsmanager.Secret.from_secret_name_v2(scope, "Secret", "redis"),
        lambda scope: secretsmanager.Secret.from_secret_partial_arn(scope, "Secret", COMPLETE[:-7]),
    ],
    ids=["name", "partial ARN"],
)
def test_a_secret_whose_arn_is_not_known_is_refused(
    known: Callable[[Stack], secretsmanager.ISecret],
) -> None:
    scope = stack()
    with _refused("a rotation needs the secret's whole ARN; import it with"):
        rotated_server(scope, acl_rotation(scope), known(scope))


def test_an_administrator_with_the_users_own_secret_is_refused() -> None:
    scope = stack()
    secret = secretsmanager.Secret(scope, "Secret")
    with _refused("admin has the user's own secret, and a user cannot rotate"):
        rotated_server(scope, acl_rotation(scope, admin=secret), secret)
