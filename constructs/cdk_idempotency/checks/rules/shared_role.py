"""Functions that share a role, and with it the rights on their records.

Fires when: Several functions have one role, so each may read and change the others' records.
DynamoDB only: on Redis all functions are one user.
What to do: Leave `role=` out, or acknowledge it where they trust one another.

IAM fences namespaces off from one another by role
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...inspection import owner_path
from ..model.deployment import Deployment
from ..rule import Violation, warning

NAMED: Final = 5
"""The most functions that a message names; there may be more."""


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    # One violation per role.
    fenced = [each for each in deployment.attached if each.settings.store == "dynamodb"]
    reported: set[str] = set()
    for attached in fenced:
        role = deployment.tree.role(attached.resource)
        users = deployment.tree.functions_by_role[role]
        if len(users) > 1 and role not in reported:
            reported.add(role)
            names = _names([owner_path(deployment.tree.path(user)) for user in users])
            yield Violation(
                attached.function.role or attached.function,
                f"It is the role of {names}, and each of them may read and change the "
                "others' records. Give every function a role of its own, as it has when role= is "
                "left out.",
            )


def _names(functions: list[str]) -> str:
    named = functions[:NAMED]
    rest = [f"{len(functions) - NAMED} more"] if len(functions) > NAMED else []
    *first, last = [*named, *rest]
    return f"{', '.join(first)} and {last}"
