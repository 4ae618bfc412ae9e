"""Of two regions that write to the table, each sees what the other has written.

In a global table with eventual consistency (MREC) conditions are about the region's own copy, and
the last writer wins (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/
V2globaltables_HowItWorks.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.finding import Finding, warning


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above."""
    table = deployment.table
    if table is None or not table.other_regions or table.is_strong is not False:
        return
    yield warning(
        "table-regions",
        table.resource,
        f"{table.name} is replicated to {', '.join(table.other_regions)} with eventual "
        "consistency, so a request that reaches two regions within a second or so runs in both. "
        "Let the functions of one region at a time use it, or make the table strongly consistent "
        "(MultiRegionConsistency.STRONG).",
    )
