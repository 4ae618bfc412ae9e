"""The heartbeat of a call: renews its lease while its code runs, without I/O.

It is needed where nothing stops the code at a known time, so that no lease would be long enough.

`renewals` is a generator beside the call's own: a driver executes its steps at the same time, and
closes it when the call ends. A renewal is a write under the fence, like a completion. It may also
revive a lease that has ended, as in a process that stood still, as long as nobody has taken over.
It never needs to be undone: a renewal that lands after the call's last write finds no INPROGRESS
record of this owner, and one of a process that has died meanwhile delays the next attempt by one
lease.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, TypeAlias

from .record import INPROGRESS, Applied, Claim, Conflict
from .steps import Failed, Renew, Sleep, StepResult

BEATS: Final = 3
"""The renewals in a lease: all but one may fail."""

Renewals: TypeAlias = Generator[Sleep | Renew, StepResult, None]


def renewals(claim: Claim, lease_ms: int) -> Renewals:
    """Renew a claim's lease, of which `lease_ms` are left, until another attempt has the record."""
    pause = max(min(lease_ms, claim.lease_ms) // BEATS, 1)
    while True:
        yield Sleep(pause)
        reply = yield Renew(claim)
        if not isinstance(reply, Applied | Failed) and not _is_ahead(claim, reply):
            return  # the completion will tell, too
        pause = max(claim.lease_ms // BEATS, 1)


def _is_ahead(claim: Claim, reply: StepResult) -> bool:
    """Tell whether a recovery point of the same attempt, which renews too, has overtaken."""
    return (
        isinstance(reply, Conflict)
        and (reply.record.owner, reply.record.status) == (claim.owner, INPROGRESS)
        and not reply.record.given_up
    )
