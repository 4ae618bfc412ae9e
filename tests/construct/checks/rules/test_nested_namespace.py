"""Functions whose large responses would lie among another one's are reported."""

from __future__ import annotations

import pytest
from aws_cdk import Stack, Stage
from aws_cdk import aws_s3 as s3

from cdk_idempotency import Idempotency
from kit.checks import findings
from kit.synth import app, function, stack

RULE = "nested-namespace"


@pytest.mark.parametrize(
    ("first", "second"), [("a", "a/b"), ("a/b", "a"), ("a/b", "a/b/c"), ("a", "a")]
)
@pytest.mark.parametrize("shared", [True, False], ids=["one construct", "two"])
def test_namespaces_that_lie_in_one_another_are_reported(
    first: str, second: str, *, shared: bool
) -> None:
    scope = stack()
    bucket = s3.Bucket(scope, "Responses")
    one = Idempotency(scope, "One", large_responses=bucket)
    other = one if shared else Idempotency(scope, "Other", large_responses=bucket)
    one.attach(function(scope, "First"), namespace=first)
    other.attach(function(scope, "Second"), namespace=second)
    [finding] = findings(other, RULE)
    assert finding.construct.node.path == "Stack/Second"
    assert f"{second!r} and {first!r} of Stack/First" in finding.message


@pytest.mark.parametrize(("first", "second"), [("a", "ab"), ("a/b", "a/c"), ("b/a", "a")])
def test_namespaces_beside_one_another_are_in_order(first: str, second: str) -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", large_responses=s3.Bucket(scope, "Responses"))
    for namespace in (first, second):
        idempotency.attach(function(scope, namespace.replace("/", "-")), namespace=namespace)
    assert findings(idempotency, RULE) == []


def test_two_buckets_and_no_bucket_are_in_order() -> None:
    scope = stack()
    buckets = [s3.Bucket(scope, "One"), s3.Bucket(scope, "Two"), None]
    made = [
        Idempotency(scope, f"Idempotency{number}", large_responses=bucket)
        for number, bucket in enumerate(buckets)
    ]
    for number, idempotency in enumerate(made):
        idempotency.attach(function(scope, f"Function{number}"), namespace="shared")
    assert [found for each in made for found in findings(each, RULE)] == []


def test_two_stages_with_one_imported_bucket_are_reported() -> None:
    root = app()
    made = []
    for name in ("Dev", "Prod"):
        scope = Stack(Stage(root, name), "Shop")
        bucket = s3.Bucket.from_bucket_name(scope, "Responses", "responses")
        made.append(Idempotency(scope, "Idempotency", large_responses=bucket))
        made[-1].attach(function(scope), namespace="shop")
    assert [len(findings(each, RULE)) for each in made] == [0, 1]
