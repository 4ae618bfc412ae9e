"""Policies beyond their quotas, to which each attached function adds.

Fires when: The policy of the bucket of `large_responses`, or that of a role which may use the whole
store (`grant_use`) or is shared by functions, is longer than AWS allows: the deployment would fail.
What to do: Give the functions namespaces with one beginning, by `namespace_prefix`, or leave
`namespace` out; give every function a role of its own; use a bucket for each group of functions.

A bucket's policy may have 20 KB, all inline policies of a role together 10,240 characters, a
managed policy 6,144
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html). Where more than 16
namespaces have one beginning, a policy about all of them names that alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from aws_cdk import CfnResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from ..model.deployment import Deployment
from ..rule import Violation, error

QUOTAS: Final[dict[type[CfnResource], int]] = {
    s3.CfnBucketPolicy: 20 * 1024,
    iam.CfnPolicy: 10_240,
    iam.CfnManagedPolicy: 6_144,
}
"""Characters without white space."""

UNKNOWN: Final = "x" * 24
"""A text that only the deployment knows: a name or an ARN is about as long at least."""

FEW: Final = 8
"""Functions whose statements fit in the policy of one role."""


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    for kind in _kinds(deployment):
        for resource in deployment.tree.resources(kind):
            document = deployment.tree.properties(resource).get("policyDocument")
            size = len(json.dumps(_known(document), separators=(",", ":")))
            if size > QUOTAS[kind]:
                yield Violation(
                    resource,
                    f"it has about {size} characters and AWS allows {QUOTAS[kind]}. Give the "
                    "attached functions namespaces with one beginning (namespace_prefix=...), or "
                    "divide them among several roles or buckets.",
                )


def _kinds(deployment: Deployment) -> Iterator[type[CfnResource]]:
    """Yield the kinds of policies that may be large."""
    if deployment.large_responses is not None:
        yield s3.CfnBucketPolicy
    shared = any(len(users) > FEW for users in deployment.tree.functions_by_role.values())
    if shared or deployment.granted:
        yield iam.CfnPolicy
        yield iam.CfnManagedPolicy


def _known(value: Any) -> Any:
    """Return a resolved value, with texts for what only the deployment knows."""
    match value:
        case {"Fn::Join": [str(separator), [*parts]]}:
            return separator.join(str(_known(part)) for part in parts)
        case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::ImportValue": _} | {"Fn::Sub": _}:
            return UNKNOWN
        case dict():
            return {name: _known(item) for name, item in value.items()}
        case list():
            return [_known(item) for item in value]
        case _:
            return value
