"""A bucket whose large responses nothing deletes is reported."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3

from cdk_idempotency import Idempotency
from kit.checks import attached, findings, problems
from kit.synth import function, stack


def test_an_imported_bucket_is_reported_for_each_function() -> None:
    scope = stack()
    bucket = s3.Bucket.from_bucket_name(scope, "Responses", "responses")
    idempotency = attached(function(scope), function(scope, "Refunds"), large_responses=bucket)
    found = findings(idempotency, "large-responses")
    paths = [finding.construct.node.path for finding in found]
    assert paths == ["Stack/Payments", "Stack/Refunds"]


def test_the_message_has_the_prefix_and_the_days() -> None:
    scope = stack()
    bucket = s3.Bucket.from_bucket_name(scope, "Responses", "responses")
    idempotency = Idempotency(scope, "Idempotency", large_responses=bucket)
    week = Duration.days(7)
    idempotency.attach(function(scope), namespace="shop/payments", expires_after=week)
    [finding] = problems(idempotency).values()
    assert "expires shop/payments/ after 8 days" in finding.message


def test_a_bucket_of_the_app_is_in_order() -> None:
    scope = stack()
    idempotency = attached(function(scope), large_responses=s3.Bucket(scope, "Responses"))
    assert problems(idempotency) == {}
