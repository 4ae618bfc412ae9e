"""Tables in another account or region than the function.

Fires when: The table is in another region or account than the function, which knows its name alone:
it finds no table, or has no right to it.
What to do: A table beside the function; of a global table `table.replica(region)`.

Functions look for the table's name in their own region; their right is to the table that was passed
to the construct.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...inspection import is_token
from ..model.deployment import Deployment
from ..rule import Violation, error

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    table = deployment.store.table
    if table is None:
        return
    home = _home(table)
    for attached in deployment.attached:
        here = deployment.tree.environment(attached.stack)
        if any(_differ(one, other) for one, other in zip(home, here, strict=True)):
            yield Violation(
                attached.function,
                f"the function is in {_named(here)} and its table in {_named(home)}, so it finds "
                "no table of that name, or has no right to it. Keep its records in a table beside "
                "it; of a global table that is table.replica(region).",
            )


def _home(table: dynamodb.ITable) -> tuple[str, str]:
    """Return the table's account and region, which the ARN of an imported table has."""
    parts = table.table_arn.split(":")
    return (parts[4], parts[3]) if len(parts) > 5 else (table.env.account, table.env.region)


def _differ(one: str, other: str) -> bool:
    return one != other and not is_token(one) and not is_token(other)


def _named(place: tuple[str, str]) -> str:
    return " ".join("?" if is_token(part) else part for part in place)
