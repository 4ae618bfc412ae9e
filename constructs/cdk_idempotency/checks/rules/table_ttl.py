"""Tables that keep expired records.

Fires when: The table has no TTL, or TTL on another attribute than `expiration`: expired records
stay, and are paid for. Results do not depend on it.
What to do: Set `time_to_live_attribute="expiration"`.

DynamoDB deletes by one attribute of a table (https://docs.aws.amazon.com/amazondynamodb/latest/
developerguide/TTL.html). Every condition checks expiry, whether or not TTL has deleted the record.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambda_idempotency.contract.names import TTL_ATTRIBUTE

from ..model.deployment import Deployment
from ..model.tables import Table
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    table = deployment.table
    if table is not None and table.ttl not in (None, TTL_ATTRIBUTE):
        yield Violation(table.resource, _advice(table))


def _advice(table: Table) -> str:
    if table.is_strong:
        return (
            f"{table.name} is strongly consistent across regions, for which DynamoDB has no TTL, "
            "so expired records are never deleted and their storage is paid for. Delete those "
            f"whose {TTL_ATTRIBUTE} has passed yourself."
        )
    if table.ttl:
        return (
            f"{table.name} has its TTL on {table.ttl}, which records lack, so expired ones are "
            "never deleted and their storage is paid for. A table has one TTL attribute: use a "
            f"table of its own, with time_to_live_attribute={TTL_ATTRIBUTE!r}."
        )
    return (
        f"{table.name} has no TTL, so expired records are never deleted and their storage is paid "
        f"for. Pass time_to_live_attribute={TTL_ATTRIBUTE!r} to the table."
    )
