"""Keys that cannot encrypt the answers of a function.

Fires when: The `response_key` is an alias, is disabled, is no symmetric key that encrypts, or is in
another region than the function: each of its calls would fail.
What to do: An enabled symmetric key in the function's region; of a multi-Region key, the replica
there; for an alias, the key behind it.

Functions ask KMS in their own region for data keys. To IAM the ARN of an alias is the alias alone
(https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import Stack
from aws_cdk import aws_kms as kms

from ...inspection import is_token
from ..model.deployment import Deployment
from ..model.tree import ConstructTree
from ..rule import Violation, error

_SYMMETRIC = (None, "SYMMETRIC_DEFAULT")
_ENCRYPTS = (None, "ENCRYPT_DECRYPT")


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    if deployment.response_key is None:
        return
    key = deployment.response_key.key
    wrong, there = _wrong(deployment.tree, key), _region(key)
    for attached in deployment.attached:
        _, here = deployment.tree.environment(attached.stack)
        if wrong is not None:
            yield Violation(
                attached.function,
                f"response_key {key.node.path} {wrong}, so each call of this function would fail. "
                "Give Idempotency an enabled symmetric key, and not its alias.",
            )
        elif here != there and not is_token(here) and not is_token(there):
            yield Violation(
                attached.function,
                f"response_key {key.node.path} is in {there} and the function in {here}, where it "
                "asks for its data keys. Give Idempotency a key of that region.",
            )


def _wrong(tree: ConstructTree, key: kms.IKey) -> str | None:
    """Return what is wrong with a key; None: nothing, or it is imported and cannot be looked at."""
    if ":alias/" in str(Stack.of(key).resolve(key.key_arn)):
        return "is an alias, and IAM grants no use of a key by its alias"
    resource = key.node.default_child
    if not isinstance(resource, kms.CfnKey):
        return None
    properties = tree.properties(resource)
    if properties.get("enabled") is False:
        return "is disabled"
    symmetric = properties.get("keySpec") in _SYMMETRIC
    if not symmetric or properties.get("keyUsage") not in _ENCRYPTS:
        return "is no symmetric key that encrypts"
    return None


def _region(key: kms.IKey) -> str:
    """Return the key's region, which the ARN of an imported key has."""
    parts = key.key_arn.split(":")
    return parts[3] if len(parts) > 5 else key.env.region
