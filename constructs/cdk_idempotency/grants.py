"""Grants on one resource each, where CDK's own `grant_read` gives more than is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

from constructs import IConstruct

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_secretsmanager as secretsmanager


class Permission(NamedTuple):
    """Actions on ARNs, which are made once for all grantees: each is a round trip to Node."""

    actions: tuple[str, ...]
    on: tuple[str, ...]


def allow(
    grantee: iam.IGrantable,
    *actions: str,
    on: Sequence[str],
    conditions: Mapping[str, Mapping[str, object]] | None = None,
) -> iam.Grant:
    """Allow the grantee these actions on these ARNs."""
    return iam.Grant.add_to_principal(
        grantee=grantee, actions=list(actions), resource_arns=list(on), conditions=conditions
    )


def give(
    grantee: iam.IGrantable, permissions: Sequence[Permission], key: kms.IKey | None = None
) -> list[iam.Grant]:
    """Give the grantee permissions, and the right to decrypt with a customer key; AWS's own keys
    need no grant."""
    grants = [allow(grantee, *actions, on=on) for actions, on in permissions]
    return grants if key is None else [*grants, key.grant_decrypt(grantee)]


def to_read_parameter(arn: str) -> Permission:
    """Return the permission to read an SSM parameter."""
    return Permission(("ssm:GetParameter",), (arn,))


def to_read_secret(secret: secretsmanager.ISecret) -> Permission:
    """Return the permission to read a secret."""
    return Permission(("secretsmanager:GetSecretValue",), (secret_policy_arn(secret),))


def combine(grants: Sequence[iam.Grant]) -> iam.Grant:
    """Return the grants, of which there is one at least, combined into one."""
    return reduce(lambda grant, other: grant.combine(other), grants)


def secret_policy_arn(secret: secretsmanager.ISecret) -> str:
    """Return the secret's ARN for policies.

    The ARN of a secret that is known by its name alone lacks the six characters at its end.
    """
    full = secret.secret_full_arn
    return f"{secret.secret_arn}-??????" if full is None else full


def elasticache_arn(scope: IConstruct, kind: str, name: str) -> str:
    """Return the ARN of an ElastiCache resource of this account and region."""
    return Stack.of(scope).format_arn(
        service="elasticache",
        resource=kind,
        resource_name=name,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
