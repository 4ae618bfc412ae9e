"""Tables with another key than records have.

Fires when: The key of the table is not the string partition key `id` alone.
What to do: Use a table that has it.

DynamoDB refuses every request whose key is not the table's (https://docs.aws.amazon.com/
amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lambda_idempotency.contract.names import PARTITION_KEY

from ...inspection import is_known
from ..model.deployment import Deployment
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    table = deployment.table
    if table is None:
        return
    key = _key(table.properties)
    if key not in (None, f"{PARTITION_KEY} (S, HASH)"):
        yield Violation(
            table.resource,
            f"the key of the table is {key}, and DynamoDB refuses records, whose key is the string "
            f"{PARTITION_KEY!r} alone. Use a table with that partition key and without a sort key.",
        )


def _key(properties: dict[str, Any]) -> str | None:
    """Return the attributes of the key, for messages; None where only the deployment knows them."""
    schema, definitions = properties.get("keySchema"), properties.get("attributeDefinitions")
    if not (isinstance(schema, list) and isinstance(definitions, list)):
        return None
    if not (is_known(schema) and is_known(definitions)):
        return None
    types = {each["attributeName"]: each["attributeType"] for each in definitions}
    return ", ".join(
        f"{each['attributeName']} ({types.get(each['attributeName'])}, {each['keyType']})"
        for each in schema
    )
