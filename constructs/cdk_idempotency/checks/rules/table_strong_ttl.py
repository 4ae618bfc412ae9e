"""A global table with strong consistency (MRSC) has no TTL.

DynamoDB does not support it, and CDK does not say so (https://docs.aws.amazon.com/amazondynamodb/
latest/developerguide/V2globaltables_HowItWorks.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.finding import Finding, error


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above."""
    table = deployment.table
    if table is not None and table.is_strong and table.ttl:
        yield error(
            "table-strong-ttl",
            table.resource,
            f"the table is strongly consistent across regions and has its TTL on {table.ttl}, "
            "which DynamoDB refuses. Leave time_to_live_attribute out, and delete expired records "
            "yourself.",
        )
