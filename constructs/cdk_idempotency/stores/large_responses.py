"""The bucket for responses that are too large for their records."""

from __future__ import annotations

import math
from typing import Final

import jsii
from aws_cdk import ArnFormat, Duration, IStableListProducer, Lazy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from constructs import IConstruct

from ..acknowledgments import acknowledge_prefix
from ..errors import ConstructError
from ..grants import allow, combine

_MARK: Final = "cdk-idempotency:large-responses"


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

    def settings(self) -> dict[str, str]:
        """Return the contract's settings that lead the runtime to it."""
        return {"large_responses": self._bucket.bucket_name}

    def attach(self, function: lambda_.Function, namespace: str, *, expires_after: float) -> None:
        """Let a function keep its responses there, for as long as records of `expires_after`
        seconds live. Raise ConstructError where another function's responses would be among
        them."""
        self._reserve(function, namespace)
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
        # A bucket's ARN names no account: one that is deleted can be made anew by anybody.
        owner = {"StringEquals": {"s3:ResourceAccount": self._bucket.env.account}}
        grant = allow(grantee, "s3:GetObject", "s3:PutObject", on=objects, conditions=owner)
        key = self._bucket.encryption_key
        if key is None:
            return grant
        return combine(grant, key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey"))

    def _reserve(self, function: lambda_.Function, namespace: str) -> None:
        """Raise ConstructError where the namespace lies in another one, or another one in it: of
        two lifecycle rules for one object S3 obeys the shorter one, and a right to `a/` is one to
        `a/b/` as well."""
        for entry in self._bucket.node.metadata:
            taken = str(entry.data)
            nested = f"{taken}/".startswith(f"{namespace}/") or namespace.startswith(f"{taken}/")
            if entry.type == _MARK and nested:
                raise ConstructError(
                    function,
                    f"its namespace {namespace!r} and {taken!r}, of another function, would share "
                    f"objects in the bucket {self._bucket.node.path} of large_responses; pass "
                    "another namespace=... to attach()",
                )
        self._bucket.node.add_metadata(_MARK, namespace)

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
    """The objects of all namespaces, also of those that are added later."""

    def __init__(self, bucket: s3.IBucket, namespaces: set[str]) -> None:
        self._bucket = bucket
        self._namespaces = namespaces

    def produce(self) -> list[str]:
        # A statement has to name something, also where nothing is attached.
        names = [f"{namespace}/*" for namespace in sorted(self._namespaces)] or ["none"]
        return [_arn(self._bucket, name) for name in names]


def lifetime_days(expires_after: float) -> int:
    """Return after how many days an object may go, for records of so many seconds: S3 counts from
    the upload, and rounds up to the next midnight, UTC."""
    return math.ceil(expires_after / 86_400) + 1


def _arn(bucket: s3.IBucket, objects: str) -> str:
    """Return the ARN of objects, made from the bucket's name: the one value that has to cross
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
