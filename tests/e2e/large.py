"""Functions whose large responses are objects in a bucket."""

from __future__ import annotations

from collections.abc import Callable

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from cdk_idempotency import Idempotency, IdempotencyStore


def add_large(
    stack: Stack, store: IdempotencyStore, function: Callable[[str, str], lambda_.Function]
) -> None:
    """Add `Large`, which keeps its responses in a bucket, and `Thief`, which shares the bucket."""
    bucket = s3.Bucket(
        stack, "Responses", removal_policy=RemovalPolicy.DESTROY, auto_delete_objects=False
    )
    idempotency = Idempotency(
        stack,
        "Idempotency",
        store=store,
        large_responses=bucket,
        large_response_size=Size.kibibytes(1),
        expires_after=Duration.days(7),
        key="id",
    )
    idempotency.attach(function("Large", "large.handler"))
    idempotency.attach(function("Thief", "large.steal"))
    CfnOutput(stack, "ResponsesName", value=bucket.bucket_name)
