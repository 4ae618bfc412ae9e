"""Functions are in the account and region of their table.

They know its name alone, and ask DynamoDB in their own region for it; their right is to the table
that was handed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aws_cdk import Stack, Token

from ..model.deployment import Deployment
from ..model.finding import Finding, warning

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above."""
    table = deployment.store.table
    if table is None:
        return
    home = _home(table)
    for attached in deployment.attached:
        stack = Stack.of(attached.function)
        here = (stack.account, stack.region)
        if any(_differ(one, other) for one, other in zip(home, here, strict=True)):
            yield warning(
                "table-elsewhere",
                attached.function,
                f"The function is in {_named(here)} and its table in {_named(home)}, so it finds "
                "no table of that name, or has no right to it. Keep its records in a table beside "
                "it; of a global table that is table.replica(region).",
            )


def _home(table: dynamodb.ITable) -> tuple[str, str]:
    """The account and the region; the ARN of an imported table has them."""
    parts = table.table_arn.split(":")
    return (parts[4], parts[3]) if len(parts) > 5 else (table.env.account, table.env.region)


def _differ(one: str, other: str) -> bool:
    return one != other and not Token.is_unresolved(one) and not Token.is_unresolved(other)


def _named(place: tuple[str, str]) -> str:
    return " ".join("?" if Token.is_unresolved(part) else part for part in place)
