"""The bucket for responses that are too large for their records."""

from __future__ import annotations

import math
from typing import Final

import jsii
from aws_cdk import (
    Annotations,
    ArnFormat,
    Duration,
    IStableListProducer,
    Lazy,
    Stack,
)
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from constructs import IConstruct

from ..acknowledgements import acknowledge_prefix
from ..errors import refusal
from ..grants import allow, combined

_MARK: Final = "cdk-idempotency:large-responses"


class LargeResponses:
    """A bucket, whose objects are named `namespace/digest/owner`, and what functions need of it."""

    def __init__(self, bucket: s3.IBucket) -> None:
        self._bucket = bucket
        self._namespaces: set[str] = set()
        self._only_tls: iam.PolicyStatement | None = None

    def settings(self) -> dict[str, str]:
        """The contract's settings that lead the runtime to it."""
        return {"large_responses": self._bucket.bucket_name}

    def attach(self, function: lambda_.Function, namespace: str, *, expires_after: float) -> None:
        """Lets a function keep its responses there, for as long as records of `expires_after`
        seconds live. Raises ValueError where another function's responses would be among them."""
        self._take(function, namespace)
        # S3 counts from the upload, and rounds up to the next midnight, UTC.
        days = math.ceil(expires_after / 86_400) + 1
        if isinstance(self._bucket, s3.Bucket):
            self._bucket.add_lifecycle_rule(
                prefix=f"{namespace}/",
                expiration=Duration.days(days),
                noncurrent_version_expiration=Duration.days(1),
            )
            self._demand_tls(self._bucket, namespace)
        else:
            Annotations.of(function).add_warning_v2(
                "cdk-idempotency:large-responses",
                "The bucket of large_responses is imported, so nothing deletes the responses of "
                f"this function: give it a lifecycle rule that expires {namespace}/ after {days} "
                "days.",
            )
        self.grant(function, namespace)

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> iam.Grant:
        """Lets the grantee write and read the responses of a namespace, or (None) of all."""
        if namespace is None:
            objects = Lazy.list(_Objects(self._bucket, self._namespaces))
        else:
            self._namespaces.add(namespace)
            objects = [_arn(self._bucket, f"{namespace}/*")]
            acknowledge_prefix(
                grantee, objects[0], "They are the large responses of this namespace alone"
            )
        # A bucket's ARN names no account: one that is deleted can be made anew by anybody.
        owner = {"StringEquals": {"s3:ResourceAccount": self._bucket.env.account}}
        grant = allow(grantee, "s3:GetObject", "s3:PutObject", on=objects, conditions=owner)
        key = self._bucket.encryption_key
        if key is None:
            return grant
        return combined(grant, key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey"))

    def _take(self, function: lambda_.Function, namespace: str) -> None:
        """Of two lifecycle rules for one object S3 obeys the shorter one, and a right to `a/` is
        one to `a/b/` as well."""
        for entry in self._bucket.node.metadata:
            taken = str(entry.data)
            nested = f"{taken}/".startswith(f"{namespace}/") or namespace.startswith(f"{taken}/")
            if entry.type == _MARK and nested:
                raise refusal(
                    function,
                    f"its namespace {namespace!r} and {taken!r}, of another function, would share "
                    f"objects in the bucket {self._bucket.node.path} of large_responses; pass "
                    "another namespace=... to attach()",
                )
        self._bucket.node.add_metadata(_MARK, namespace)

    def _demand_tls(self, bucket: s3.Bucket, namespace: str) -> None:
        if self._only_tls is None:
            self._only_tls = iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:*"],
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            )
        self._only_tls.add_resources(bucket.arn_for_objects(f"{namespace}/*"))
        if len(self._only_tls.resources) == 1:
            bucket.add_to_resource_policy(self._only_tls)


@jsii.implements(IStableListProducer)
class _Objects:
    """The objects of all namespaces, those that come later too."""

    def __init__(self, bucket: s3.IBucket, namespaces: set[str]) -> None:
        self._bucket = bucket
        self._namespaces = namespaces

    def produce(self) -> list[str]:
        # A statement has to name something, also where nothing is attached.
        names = [f"{namespace}/*" for namespace in sorted(self._namespaces)] or ["none"]
        return [_arn(self._bucket, name) for name in names]


def _arn(bucket: s3.IBucket, objects: str) -> str:
    """The ARN of objects; made from the bucket's name, the one value that has to
    cross stacks."""
    scope: IConstruct = bucket
    return Stack.of(scope).format_arn(
        service="s3",
        region="",
        account="",
        resource=bucket.bucket_name,
        resource_name=objects,
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )
