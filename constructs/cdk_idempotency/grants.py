"""Grants on one resource each, where CDK's own `grant_read` gives more than is needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

from constructs import IConstruct

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_secretsmanager as secretsmanager


def allow(
    grantee: iam.IGrantable,
    *actions: str,
    on: list[str],
    conditions: Mapping[str, Mapping[str, str]] | None = None,
) -> iam.Grant:
    """Allow the grantee these actions on these ARNs."""
    return iam.Grant.add_to_principal(
        grantee=grantee, actions=list(actions), resource_arns=on, conditions=conditions
    )


def read_parameter(grantee: iam.IGrantable, arn: str) -> iam.Grant:
    """Allow the grantee to read an SSM parameter."""
    return allow(grantee, "ssm:GetParameter", on=[arn])


def read_secret(grantee: iam.IGrantable, secret: secretsmanager.ISecret) -> iam.Grant:
    """Allow the grantee to read a secret, and to decrypt it where it has a customer key."""
    grant = allow(grantee, "secretsmanager:GetSecretValue", on=[secret_policy_arn(secret)])
    return combine(grant, decrypt(grantee, secret.encryption_key))


def decrypt(grantee: iam.IGrantable, key: kms.IKey | None) -> iam.Grant | None:
    """Allow the grantee to decrypt with a customer key; AWS's own keys need no grant."""
    return None if key is None else key.grant_decrypt(grantee)


def combine(first: iam.Grant, *others: iam.Grant | None) -> iam.Grant:
    """Return one grant of all."""
    found = (other for other in others if other is not None)
    return reduce(lambda grant, other: grant.combine(other), found, first)


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
