"""Tables without point-in-time recovery.

Fires when: The table, or a replica of it, has no point-in-time recovery: what is deleted by
accident is lost, and those requests run again.
What to do: Set `point_in_time_recovery_specification`.

Records that are lost let requests run again; without point-in-time recovery there is no way back
from an accidental write or delete (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/
Point-in-time-recovery.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...inspection import is_known
from ..model.deployment import Deployment
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    table = deployment.table
    if table is not None and any(_is_lost(replica) for replica in table.replicas or ()):
        yield Violation(
            table.resource,
            f"{table.name} has no point-in-time recovery, so records that are deleted or "
            "overwritten by accident are lost, and their requests run again. Pass "
            "point_in_time_recovery_specification with point_in_time_recovery_enabled=True to the "
            "table.",
        )


def _is_lost(replica: dict[str, Any]) -> bool:
    found = replica.get("pointInTimeRecoverySpecification", {})
    return is_known(found) and not found.get("pointInTimeRecoveryEnabled")
