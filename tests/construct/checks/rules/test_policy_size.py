"""Policies that grow with the functions stay below their quotas, or are told before they do not."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from cdk_idempotency import Idempotency
from kit.checks import findings
from kit.synth import function, stack, template

RULE = "policy-size"
MANY = 120


def _app(scope: Stack, **props: Any) -> Idempotency:
    """Return an `Idempotency` with a bucket, an operator and many functions of one role."""
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    bucket = s3.Bucket(scope, "Responses")
    idempotency = Idempotency(scope, "Idempotency", large_responses=bucket, **props)
    idempotency.grant_use(iam.Role(scope, "Operator", assumed_by=iam.AccountRootPrincipal()))
    attached = function(scope, role=role.without_policy_updates())
    idempotency.attach(attached)
    return idempotency


def _add(idempotency: Idempotency, names: list[str]) -> None:
    """Let the bucket's policy and the operator's know so many more namespaces, as `attach` does."""
    assert idempotency._large_responses is not None
    idempotency._large_responses._namespaces.update(names)


def _longest(scope: Stack, kind: str) -> int:
    documents = template(scope).find_resources(kind).values()
    return max(len(json.dumps(each["Properties"]["PolicyDocument"])) for each in documents)


def test_policies_about_many_functions_of_a_stack_stay_short() -> None:
    scope = stack()
    idempotency = _app(scope)
    _add(idempotency, [f"Stack/Function{number:04}" for number in range(10 * MANY)])
    assert findings(idempotency, RULE) == []
    assert _longest(scope, "AWS::IAM::Policy") < 2_000
    assert _longest(scope, "AWS::S3::BucketPolicy") < 2_000


def test_namespaces_without_a_common_beginning_are_told_before_they_are_too_many() -> None:
    idempotency = _app(stack())
    _add(idempotency, [f"a-namespace-of-its-own-for-the-function-{each:04}" for each in range(400)])
    kinds = {type(found.construct).__name__ for found in findings(idempotency, RULE)}
    assert kinds == {"CfnPolicy", "CfnBucketPolicy"}


def test_a_few_namespaces_are_named_one_by_one() -> None:
    idempotency = _app(stack())
    _add(idempotency, [f"apart-{number}" for number in range(20)])
    assert findings(idempotency, RULE) == []
