"""Acknowledgments of other tools' findings about resources that are as intended.

Each is on the construct that the finding is about, by its narrowest id, with a reason that the
tool's report repeats.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct, IConstruct


def acknowledge(construct: IConstruct, id: str, reason: str) -> None:  # noqa: A002
    """Acknowledge a finding about a construct, or about one below it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=id, reason=reason))


def acknowledge_in_packs(construct: IConstruct, rule: str, reason: str) -> None:
    """Acknowledge a finding of all of cdk-nag's packs that have the rule."""
    for pack in ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321"):
        acknowledge(construct, f"{pack}::{pack}-{rule}", reason)


def acknowledge_role(function: lambda_.Function) -> None:
    """Acknowledge the managed policies that CDK gives to the role of every function."""
    reasons = {
        "AWSLambdaBasicExecutionRole": "It lets the function write its logs, and do nothing else",
        "AWSLambdaVPCAccessExecutionRole": "It lets Lambda keep the function's network interfaces, "
        "which is what AWS maintains it for",
    }
    for policy, reason in reasons.items():
        acknowledge(function, f"{_IAM4}[Policy::{_MANAGED}/{policy}]", reason)


def acknowledge_prefix(grantee: iam.IGrantable, arn: str, reason: str) -> None:
    """Acknowledge a grant on all ARNs that begin with `arn`."""
    principal: Any = grantee.grant_principal
    if Construct.is_construct(principal):
        acknowledge_wildcard(principal, arn, reason)


def acknowledge_wildcard(construct: IConstruct, arn: str, reason: str) -> None:
    """Acknowledge the wildcard in an ARN, in a policy at or below a construct.

    The id contains the resolved ARN. An ARN with an export, whose name is not known yet, therefore
    does not match.
    """
    known = _flatten(Stack.of(construct).resolve(arn))
    acknowledge(construct, f"{_IAM5}[Resource::{known}]", reason)


_IAM4 = "AwsSolutions::AwsSolutions-IAM4"
_IAM5 = "AwsSolutions::AwsSolutions-IAM5"
_MANAGED = "arn:<AWS::Partition>:iam::aws:policy/service-role"


def _flatten(value: Any) -> str:
    """Return a resolved text as cdk-nag writes it."""
    match value:
        case {"Fn::Join": [separator, [*parts]]}:
            return str(separator).join(map(_flatten, parts))
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case _:
            return str(value)
