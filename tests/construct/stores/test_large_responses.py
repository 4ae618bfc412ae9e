"""The bucket for large responses: its grants, its deletions, and its refusals."""

from __future__ import annotations

from typing import Any, Final

import pytest
from aws_cdk import Duration, Size, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from cdk_idempotency import Idempotency
from kit.synth import app, function, only, reference, stack, statements, template, variables

VERBS: Final = ["s3:GetObject", "s3:PutObject"]


def _attached(scope: Stack, bucket: s3.IBucket, **props: Any) -> Idempotency:
    idempotency = Idempotency(scope, "Idempotency", large_responses=bucket, **props)
    idempotency.attach(function(scope), namespace="shop/payments")
    return idempotency


def _objects(bucket: Any, namespace: str = "shop/payments") -> dict[str, Any]:
    head = ["arn:", {"Ref": "AWS::Partition"}, ":s3:::"]
    return {"Fn::Join": ["", [*head, reference(bucket), f"/{namespace}/*"]]}


def _on_s3(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [statement for statement in found if statement["Action"] == VERBS]


def test_the_function_is_told_the_bucket_and_the_size() -> None:
    scope = stack()
    bucket = s3.Bucket(scope, "Responses")
    _attached(scope, bucket, large_response_size=Size.kibibytes(64))
    found = variables(template(scope))
    assert found["IDEMPOTENCY_LARGE_RESPONSES"] == reference(bucket)
    assert found["IDEMPOTENCY_LARGE_RESPONSE_SIZE"] == "65536"


def test_without_a_bucket_nothing_is_told() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope))
    assert not [name for name in variables(template(scope)) if "LARGE" in name]


def test_the_function_may_write_and_read_its_own_objects_and_nothing_else() -> None:
    scope = stack()
    bucket = s3.Bucket(scope, "Responses")
    _attached(scope, bucket)
    assert _on_s3(statements(template(scope))) == [
        {
            "Effect": "Allow",
            "Action": VERBS,
            "Resource": _objects(bucket),
            "Condition": {"StringEquals": {"s3:ResourceAccount": {"Ref": "AWS::AccountId"}}},
        }
    ]


def test_a_bucket_of_the_same_name_in_another_account_is_none() -> None:
    scope = stack()
    imported = s3.Bucket.from_bucket_attributes(
        scope, "Theirs", bucket_name="responses", account="222222222222"
    )
    _attached(scope, imported)
    [statement] = _on_s3(statements(template(scope)))
    assert statement["Condition"] == {"StringEquals": {"s3:ResourceAccount": "222222222222"}}


def test_each_function_has_its_own_objects() -> None:
    scope = stack()
    bucket = s3.Bucket(scope, "Responses")
    idempotency = Idempotency(scope, "Idempotency", large_responses=bucket)
    for name in ("One", "Two"):
        idempotency.attach(function(scope, name))
    found = template(scope)
    for name in ("One", "Two"):
        [statement] = _on_s3(statements(found, name))
        assert statement["Resource"] == _objects(bucket, f"Stack/{name}")


@pytest.mark.parametrize("customer", [True, False])
def test_a_customer_key_is_granted_for_what_is_done_with_it(*, customer: bool) -> None:
    scope = stack()
    key = kms.Key(scope, "Key") if customer else None
    _attached(scope, s3.Bucket(scope, "Responses", encryption_key=key))
    granted = [entry["Action"] for entry in statements(template(scope))]
    assert (["kms:Decrypt", "kms:GenerateDataKey"] in granted) is customer


def test_another_stack_takes_the_name_alone() -> None:
    root = app()
    store, scope = stack(root, "Store"), stack(root, "Functions")
    _attached(scope, s3.Bucket(store, "Responses"))
    [statement] = _on_s3(statements(template(scope)))
    assert "Fn::ImportValue" in str(statement)
    outputs = template(store).to_json()["Outputs"].values()
    assert [list(output["Value"]) for output in outputs] == [["Ref"]]


# Others who use the store -------------------------------------------------------------------------


def _operator(scope: Stack) -> iam.Role:
    return iam.Role(scope, "Operator", assumed_by=iam.AccountRootPrincipal())


def test_a_grantee_may_use_one_namespace() -> None:
    scope = stack()
    bucket = s3.Bucket(scope, "Responses")
    _attached(scope, bucket).grant_use(_operator(scope), namespace="worker")
    [statement] = _on_s3(statements(template(scope), "Operator"))
    assert statement["Resource"] == _objects(bucket, "worker")


def test_a_grantee_may_use_all_that_are_attached_at_the_end_and_no_other_object() -> None:
    scope = stack()
    bucket = s3.Bucket(scope, "Responses")
    idempotency = _attached(scope, bucket)
    idempotency.grant_use(_operator(scope))
    idempotency.attach(function(scope, "Later"))
    [statement] = _on_s3(statements(template(scope), "Operator"))
    assert statement["Resource"] == [_objects(bucket, "Stack/Later"), _objects(bucket)]


def test_a_grantee_of_nothing_may_use_no_object() -> None:
    scope = stack()
    bucket = s3.Bucket(scope, "Responses")
    Idempotency(scope, "Idempotency", large_responses=bucket).grant_use(_operator(scope))
    [statement] = _on_s3(statements(template(scope), "Operator"))
    [resource] = statement["Resource"]
    assert resource["Fn::Join"][1][-1] == "/none"


# The bucket ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires_after", "days"),
    [
        (None, 2),
        (Duration.seconds(1), 2),
        (Duration.days(1), 2),
        (Duration.seconds(86_401), 3),
        (Duration.days(30), 31),
    ],
)
def test_objects_outlive_their_records(expires_after: Duration | None, days: int) -> None:
    scope = stack()
    props = {} if expires_after is None else {"expires_after": expires_after}
    _attached(scope, s3.Bucket(scope, "Responses"), **props)
    [rule] = only(template(scope), "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert rule == {
        "Prefix": "shop/payments/",
        "ExpirationInDays": days,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "Status": "Enabled",
    }


def test_the_expiry_of_one_function_is_its_own() -> None:
    scope = stack()
    idempotency = _attached(scope, s3.Bucket(scope, "Responses"))
    idempotency.attach(function(scope, "Two"), expires_after=Duration.days(7))
    rules = only(template(scope), "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpirationInDays"] for rule in rules] == [2, 8]


def test_the_rules_of_the_bucket_stay() -> None:
    scope = stack()
    bucket = s3.Bucket(scope, "Responses")
    bucket.add_lifecycle_rule(prefix="mine/", expiration=Duration.days(9))
    _attached(scope, bucket)
    rules = only(template(scope), "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert [rule["Prefix"] for rule in rules] == ["mine/", "shop/payments/"]


def test_responses_travel_by_tls_alone() -> None:
    scope = stack()
    bucket = s3.Bucket(scope, "Responses")
    _attached(scope, bucket).attach(function(scope, "Two"))
    [statement] = only(template(scope), "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    ends = {resource["Fn::Join"][1][-1] for resource in statement["Resource"]}
    assert ends == {"/Stack/Two/*", "/shop/payments/*"}


def test_an_imported_bucket_is_granted() -> None:
    scope = stack()
    _attached(scope, s3.Bucket.from_bucket_name(scope, "Responses", "responses"))
    [statement] = _on_s3(statements(template(scope)))
    assert str(statement["Resource"]).endswith(":s3:::responses/shop/payments/*']]}")


# Refusals -----------------------------------------------------------------------------------------


def test_a_size_without_a_bucket_is_refused() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", large_response_size=Size.kibibytes(1))
    with pytest.raises(ValueError, match="pass large_responses="):
        idempotency.attach(function(scope))


@pytest.mark.parametrize("size", [65_536, "64 KB", None])
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    with pytest.raises(ValueError, match=r"large_response_size is .*; expected a Size"):
        Idempotency(stack(), "Idempotency", large_response_size=size)


def test_a_size_that_is_a_token_is_refused() -> None:
    size = Size.kibibytes(Token.as_number({"Ref": "Kilobytes"}))
    with pytest.raises(ValueError, match="large_response_size is a CDK token"):
        Idempotency(stack(), "Idempotency", large_response_size=size)


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number from 1"):
        Idempotency(stack(), "Idempotency", large_response_size=Size.bytes(0))
