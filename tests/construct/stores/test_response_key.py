"""The key of `response_key`: its grants, fenced by namespace, and what the layer needs for it."""

from __future__ import annotations

from typing import Any, Final

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from cdk_idempotency import Idempotency
from cdk_idempotency.functions import native
from kit.synth import function, reference, stack, statements, template, variables

ACTIONS: Final = ["kms:Decrypt", "kms:GenerateDataKey"]
CONDITION: Final = "kms:EncryptionContext:cdk-idempotency:namespace"


@pytest.fixture(autouse=True)
def fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is installed here run on every function."""
    monkeypatch.setattr(native, "_tags", lambda _: ["py3-none-any"])


@pytest.fixture
def scope() -> Stack:
    return stack()


def _attached(scope: Stack, key: kms.IKey) -> Idempotency:
    idempotency = Idempotency(scope, "Idempotency", response_key=key)
    idempotency.attach(function(scope), namespace="shop/payments")
    return idempotency


def _on_kms(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [statement for statement in found if statement["Action"] == ACTIONS]


def test_the_function_is_told_the_key(scope: Stack) -> None:
    key = kms.Key(scope, "Key")
    _attached(scope, key)
    assert variables(template(scope))["IDEMPOTENCY_RESPONSE_KEY"] == reference(key, "Arn")


def test_the_function_may_use_data_keys_of_its_namespace_and_nothing_else(scope: Stack) -> None:
    key = kms.Key(scope, "Key")
    _attached(scope, key)
    found = statements(template(scope))
    assert _on_kms(found) == [
        {
            "Effect": "Allow",
            "Action": ACTIONS,
            "Resource": reference(key, "Arn"),
            "Condition": {"StringEquals": {CONDITION: "shop/payments"}},
        }
    ]
    assert [each for each in found if "kms:" in str(each["Action"])] == _on_kms(found)


def test_without_a_key_nothing_of_kms_is_granted(scope: Stack) -> None:
    Idempotency(scope, "Idempotency").attach(function(scope))
    assert "kms:" not in str(statements(template(scope)))


def test_a_grantee_may_use_one_namespace(scope: Stack) -> None:
    operator = iam.Role(scope, "Operator", assumed_by=iam.AccountRootPrincipal())
    _attached(scope, kms.Key(scope, "Key")).grant_use(operator, namespace="worker")
    [statement] = _on_kms(statements(template(scope), "Operator"))
    assert statement["Condition"] == {"StringEquals": {CONDITION: "worker"}}


def test_a_grantee_may_use_all_that_are_attached_at_the_end(scope: Stack) -> None:
    operator = iam.Role(scope, "Operator", assumed_by=iam.AccountRootPrincipal())
    idempotency = _attached(scope, kms.Key(scope, "Key"))
    idempotency.grant_use(operator)
    idempotency.attach(function(scope, "Later"))
    [statement] = _on_kms(statements(template(scope), "Operator"))
    assert statement["Condition"] == {"StringLike": {CONDITION: ["Stack/Later", "shop/payments"]}}


def test_an_imported_key_is_granted_by_iam(scope: Stack) -> None:
    arn = "arn:aws:kms:eu-central-1:111122223333:key/1"
    _attached(scope, kms.Key.from_key_arn(scope, "Key", arn))
    [statement] = _on_kms(statements(template(scope)))
    assert statement["Resource"] == arn
