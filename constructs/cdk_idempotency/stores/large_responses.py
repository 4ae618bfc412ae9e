"""The bucket for responses that are too large for their records."""

from __future__ import annotations

import math

import jsii
from aws_cdk import ArnFormat, Duration, IStableListProducer, Lazy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from constructs import IConstruct

from ..acknowledgments import acknowledge_prefix
from ..grants import allow, combine


class LargeResponses:
    """A bucket for responses, whose objects are named `namespace/digest/owner`."""

    def __init__(self, bucket: s3.IBucket) -> None:
        self._bucket = bucket
        self._namespaces: set[str] = set()
        self._only_tls: iam.PolicyStatement | None = None

    @property
    def is_imported(self) -> bool:
        """True if the app cannot change the bucket, so that nothing deletes its objects."""
        return not isinstance(self._bucket, s3.Bucket)

    @property
    def bucket_name(self) -> str:
        """The name of the bucket, or a CDK token."""
        return self._bucket.bucket_name

    def settings(self) -> dict[str, str]:
        """Return the contract's settings that lead the runtime to it."""
        return {"large_responses": self.bucket_name}

    def attach(self, function: lambda_.Function, namespace: str, *, expires_after: float) -> None:
        """Let a function keep its responses there, for as long as records of `expires_after`
        seconds live."""
        if isinstance(self._bucket, s3.Bucket):
            self._bucket.add_lifecycle_rule(
                prefix=f"{namespace}/",
                expiration=Duration.days(lifetime_days(expires_after)),
                noncurrent_version_expiration=Duration.days(1),
            )
            self._require_tls(self._bucket, namespace)
        self.grant(function, namespace)

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> iam.Grant:
        """Allow the grantee to write and read the responses of a namespace, or (None) of all."""
        if namespace is None:
            objects = Lazy.list(_Objects(self._bucket, self._namespaces))
        else:
            self._namespaces.add(namespace)
            objects = [_arn(self._bucket, f"{namespace}/*")]
            acknowledge_prefix(
                grantee, objects[0], "They are the large responses of this namespace alone"
            )
        # A bucket's ARN names no account: anyone can recreate a bucket that was deleted.
        owner = {"StringEquals": {"s3:ResourceAccount": self._bucket.env.account}}
        grant = allow(grantee, "s3:GetObject", "s3:PutObject", on=objects, conditions=owner)
        key = self._bucket.encryption_key
        if key is None:
            return grant
        return combine(grant, key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey"))

    def _require_tls(self, bucket: s3.Bucket, namespace: str) -> None:
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
    """The objects of all namespaces, including those added later."""

    def __init__(self, bucket: s3.IBucket, namespaces: set[str]) -> None:
        self._bucket = bucket
        self._namespaces = namespaces

    def produce(self) -> list[str]:
        # A statement must name something, even where nothing is attached.
        names = [f"{namespace}/*" for namespace in sorted(self._namespaces)] or ["none"]
        return [_arn(self._bucket, name) for name in names]


def lifetime_days(expires_after: float) -> int:
    """Return the days after which an object of a record of so many seconds may go: S3 counts from
    the upload, and rounds up to the next midnight, UTC."""
    return math.ceil(expires_after / 86_400) + 1


def _arn(bucket: s3.IBucket, objects: str) -> str:
    """Return the ARN of objects, made from the bucket's name: the one value that must cross
    stacks."""
    scope: IConstruct = bucket
    return Stack.of(scope).format_arn(
        service="s3",
        region="",
        account="",
        resource=bucket.bucket_name,
        resource_name=objects,
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )
