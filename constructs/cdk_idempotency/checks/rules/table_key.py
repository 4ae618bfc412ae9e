"""The table's key is the string partition key `id`, and nothing else.

DynamoDB refuses every request whose key is not the table's (https://docs.aws.amazon.com/
amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lambda_idempotency.contract import PARTITION_KEY

from ...inspection import is_known
from ..model.deployment import Deployment
from ..model.finding import Finding, error


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above."""
    table = deployment.table
    if table is None:
        return
    key = _key(table.properties)
    if key not in (None, f"{PARTITION_KEY} (S, HASH)"):
        yield error(
            "table-key",
            table.resource,
            f"the key of the table is {key}, and DynamoDB refuses records, whose key is the string "
            f"{PARTITION_KEY!r} alone. Use a table with that partition key and without a sort key.",
        )


def _key(properties: dict[str, Any]) -> str | None:
    """Its attributes, for messages; None where they are known at deployment only."""
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
