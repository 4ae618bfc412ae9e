"""Waiting for another execution's answer: as a durable operation, so that nothing runs meanwhile.

It is the first operation of the execution always, a duplicate's or not: the SDK tells operations
apart by their position.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from ...errors import StoreError
from ...protocol.record import INPROGRESS, Conflict
from ..operation import Operation
from .call import Execution, InsideEnds
from .forms import PACKAGE

NAME: Final = "idempotency"
"""The name of the operation."""

_LONGEST_PAUSE_S: Final = 60


def wait_until_free(
    context: Any, operation: Operation, key: str, execution: Execution, ends: InsideEnds
) -> None:
    """Suspend the execution until no other one holds the key, or the time to wait is over."""
    waits, config = (import_module(f"{PACKAGE}.{name}") for name in ("waits", "config"))
    assert execution.lease_ms is not None
    limit_s = (operation.wait_timeout_ms or execution.lease_ms // 2) / 1000

    def is_held(*_: Any) -> bool:
        return _is_held(operation, key, execution, ends)

    def pause(held: bool, tries: int) -> Any:  # noqa: FBT001 - the SDK calls it
        if not held or waited_s(tries - 1) >= limit_s:
            return waits.WaitForConditionDecision.stop_polling()
        duration = config.Duration.from_seconds(pause_s(tries))
        return waits.WaitForConditionDecision.continue_waiting(duration)

    context.wait_for_condition(
        is_held,
        waits.WaitForConditionConfig(wait_strategy=pause, initial_state=True),
        name=NAME,
    )


def pause_s(tries: int) -> int:
    """Return the seconds of pause after so many looks: 1, 2, 4, ..."""
    return int(min(2 ** (tries - 1), _LONGEST_PAUSE_S))


def waited_s(tries: int) -> int:
    """Return the seconds that have been waited after so many pauses."""
    return sum(map(pause_s, range(1, tries + 1)))


def _is_held(operation: Operation, key: str, execution: Execution, ends: InsideEnds) -> bool:
    try:
        reply = operation.read(key, None)
    except StoreError:
        return True  # the claim that follows tells, if it lasts
    if not isinstance(reply, Conflict) or reply.record.owner == execution.owner:
        return False
    found = reply.record
    if found.status != INPROGRESS or found.given_up:
        return False
    if found.execution is None:
        return found.leased(reply.now)
    state = ends.examine(found.execution).state
    return state == "running" or (state == "unknown" and found.leased(reply.now))
