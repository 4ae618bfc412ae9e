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
from ..grants import allow
from .namespaces import covering


class LargeResponses:
    """A bucket for responses, whose objects are named `namespace/digest/owner`."""

    def __init__(self, bucket: s3.IBucket) -> None:
        self._bucket = bucket
        self._namespaces: set[str] = set()
        self._requires_tls = False
        self._objects = _arn(bucket)
        self._owner = {"StringEquals": {"s3:ResourceAccount": bucket.env.account}}
        self._key = bucket.encryption_key

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
            self._require_tls(self._bucket)
        self.grant(function, namespace)

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> list[iam.Grant]:
        """Allow the grantee to write and read the responses of a namespace, or (None) of all."""
        if namespace is None:
            objects = Lazy.list(_Objects(self._objects, self._namespaces))
        else:
            self._namespaces.add(namespace)
            objects = [f"{self._objects}/{namespace}/*"]
            acknowledge_prefix(
                grantee, objects[0], "They are the large responses of this namespace alone"
            )
        # A bucket's ARN names no account: anyone can recreate a bucket that was deleted.
        verbs = ("s3:GetObject", "s3:PutObject")
        grant = allow(grantee, *verbs, on=objects, conditions=self._owner)
        if self._key is None:
            return [grant]
        return [grant, self._key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey")]

    def _require_tls(self, bucket: s3.Bucket) -> None:
        if self._requires_tls:
            return
        self._requires_tls = True
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:*"],
                resources=Lazy.list(_Objects(bucket.bucket_arn, self._namespaces)),
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            )
        )


@jsii.implements(IStableListProducer)
class _Objects:
    """The objects of all namespaces, including those added later."""

    def __init__(self, bucket: str, namespaces: set[str]) -> None:
        self._bucket = bucket
        self._namespaces = namespaces

    def produce(self) -> list[str]:
        # A statement must name something, even where nothing is attached.
        names = [f"{each.removesuffix('/*')}/*" for each in covering(self._namespaces)] or ["none"]
        return [f"{self._bucket}/{name}" for name in names]


def lifetime_days(expires_after: float) -> int:
    """Return the days after which an object of a record of so many seconds may go: S3 counts from
    the upload, and rounds up to the next midnight, UTC."""
    return math.ceil(expires_after / 86_400) + 1


def _arn(bucket: s3.IBucket) -> str:
    """Return the bucket's ARN, made from its name: the one value that must cross stacks."""
    scope: IConstruct = bucket
    return Stack.of(scope).format_arn(
        service="s3",
        region="",
        account="",
        resource=bucket.bucket_name,
        arn_format=ArnFormat.NO_RESOURCE_NAME,
    )
