"""Tables with strong consistency across regions (MRSC) and TTL.

Fires when: The table is strongly consistent across regions (MRSC) and has TTL, which DynamoDB
refuses.
What to do: Leave TTL out, and delete expired records yourself.

CDK does not say so (https://docs.aws.amazon.com/amazondynamodb/
latest/developerguide/V2globaltables_HowItWorks.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    table = deployment.table
    if table is not None and table.is_strong and table.ttl:
        yield Violation(
            table.resource,
            f"the table is strongly consistent across regions and has its TTL on {table.ttl}, "
            "which DynamoDB refuses. Leave time_to_live_attribute out, and delete expired records "
            "yourself.",
        )
