"""Tables that two regions may write to at once.

Fires when: The table is replicated to other regions with eventual consistency (MREC): a request
that reaches two regions at a time runs in both.
What to do: Let one region at a time use it, or use `MultiRegionConsistency.STRONG` without TTL.
`commit_with` needs the former: DynamoDB has no transactions in strongly consistent global tables.

In a global table with eventual consistency (MREC) conditions are about the region's own copy, and
the last writer wins (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/
V2globaltables_HowItWorks.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    table = deployment.table
    if table is None or not table.other_regions or table.is_strong is not False:
        return
    yield Violation(
        table.resource,
        f"{table.name} is replicated to {', '.join(table.other_regions)} with eventual "
        "consistency, so a request that reaches two regions within a second or so runs in both. "
        "Let the functions of one region at a time use it, or make the table strongly consistent "
        "(MultiRegionConsistency.STRONG).",
    )
