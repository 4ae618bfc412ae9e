"""A function's role is its own, and with it the rights on its records.

IAM fences namespaces off from one another by role
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html):
functions with one role can read and change each other's records.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from .deployment import Deployment
from .finding import Finding, warning
from .tree import Tree

NAMED: Final = 5
"""Functions that a message names; there may be more."""


def check(deployment: Deployment) -> Iterator[Finding]:
    """One finding a role. On Redis all functions are one user in any case."""
    fenced = [each for each in deployment.attached if each.settings.store == "dynamodb"]
    users = _users(deployment.tree) if fenced else {}
    reported: set[str] = set()
    for attached in fenced:
        role = _role(deployment.tree, attached.resource)
        if len(users[role]) > 1 and role not in reported:
            reported.add(role)
            yield warning(
                "shared-role",
                attached.function.role or attached.function,
                f"It is the role of {_names(users[role])}, and each of them may do what any may: "
                "read and change its records. Give every function a role of its own, as it has "
                "when role= is left out.",
            )


def _users(tree: Tree) -> dict[str, list[str]]:
    """The functions of each role."""
    users: dict[str, list[str]] = {}
    for function in tree.resources(lambda_.CfnFunction):
        name = function.node.path.removesuffix("/Resource")
        users.setdefault(_role(tree, function), []).append(name)
    return users


def _role(tree: Tree, function: lambda_.CfnFunction) -> str:
    """What tells a role apart: its path, or the ARN of one that is not of this app."""
    for resource in tree.behind(function, function.role):
        if isinstance(resource, iam.CfnRole):
            return resource.node.path
    arn = tree.properties(function)["role"]
    return arn if isinstance(arn, str) else f"{Stack.of(function).node.path}: {json.dumps(arn)}"


def _names(functions: list[str]) -> str:
    named = functions[:NAMED]
    rest = [f"{len(functions) - NAMED} more"] if len(functions) > NAMED else []
    *first, last = [*named, *rest]
    return f"{', '.join(first)} and {last}"
