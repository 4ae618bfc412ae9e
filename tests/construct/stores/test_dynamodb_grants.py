"""Least privilege: the rights of an attached function, and of a grantee."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from cdk_idempotency import Idempotency, IdempotencyStore
from kit.synth import app, arn, function, only, stack, template

VERBS = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"]


def _statements(found: Template) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = only(found, "AWS::IAM::Policy")["PolicyDocument"][
        "Statement"
    ]
    return statements


def test_a_function_may_only_use_its_own_records() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope))
    found = template(scope)
    [table] = found.find_resources("AWS::DynamoDB::Table")
    assert _statements(found) == [
        {
            "Effect": "Allow",
            "Action": VERBS,
            "Resource": arn("dynamodb", "table/", {"Ref": table}),
            "Condition": {
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["Stack/Payments#*"]}
            },
        }
    ]


def test_functions_that_share_a_role_have_a_statement_each() -> None:
    scope = stack()
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    idempotency = Idempotency(scope, "Idempotency")
    for name in ("One", "Two"):
        idempotency.attach(function(scope, name, role=role))
    fences = [statement["Condition"] for statement in _statements(template(scope))]
    assert [fence["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] for fence in fences] == [
        ["Stack/One#*"],
        ["Stack/Two#*"],
    ]


def test_a_customer_key_is_granted_to_the_function() -> None:
    scope = stack()
    store = IdempotencyStore.dynamodb(encryption_key=kms.Key(scope, "Key"))
    Idempotency(scope, "Idempotency", store=store).attach(function(scope))
    actions = _statements(template(scope))[1]["Action"]
    assert {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"} <= set(actions)
    assert not any("*" in action for action in actions)


def test_the_key_of_an_imported_table_is_granted() -> None:
    scope = stack()
    table = dynamodb.Table.from_table_attributes(
        scope,
        "Existing",
        table_name="records",
        encryption_key=kms.Key.from_key_arn(
            scope, "Key", "arn:aws:kms:us-east-1:111111111111:key/abc"
        ),
    )
    store = IdempotencyStore.dynamodb(table=table)
    Idempotency(scope, "Idempotency", store=store).attach(function(scope))
    [_, key] = _statements(template(scope))
    assert key["Resource"] == "arn:aws:kms:us-east-1:111111111111:key/abc"


def test_a_function_in_another_stack_is_granted_the_same_table() -> None:
    root = app()
    home, away = stack(root, "Home"), stack(root, "Away")
    Idempotency(home, "Idempotency").attach(function(away))
    [statement] = _statements(template(away))
    joined = statement["Resource"]["Fn::Join"][1]
    assert joined[-2] == ":table/"
    assert "Fn::ImportValue" in joined[-1]


def test_grant_use_returns_a_grant_within_a_namespace() -> None:
    scope = stack()
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"))
    grant = Idempotency(scope, "Idempotency").grant_use(role, namespace="worker")
    assert grant.success
    [statement] = _statements(template(scope))
    assert statement["Action"] == VERBS
    assert statement["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["worker#*"]}
    }


def test_grant_use_without_a_namespace_covers_all_records() -> None:
    scope = stack()
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"))
    Idempotency(scope, "Idempotency").grant_use(role)
    [statement] = _statements(template(scope))
    assert "Condition" not in statement
