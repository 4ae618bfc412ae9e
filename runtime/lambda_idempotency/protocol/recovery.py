"""Recovery points: what a step returned is recorded before it counts as done. Without I/O.

A recovery point is a renewal with steps: one write over the own record, under the fence. The record
holds all steps so far. What keeps a late write from erasing an earlier one is the revision:

1. Each recovery point has a revision of its own, higher than all before. A store refuses a lower
   one than it has.
2. Recovery points of an attempt are sent one after another, each with all steps so far. A plain
   step counts from the moment its function has returned: if its write fails, the next one has it.
3. A step with `writes` counts when the transaction has taken effect. If its fate is unknown, the
   attempt writes nothing more but its completion: another write might erase the recovery point.
4. A take-over demands the revision that it saw, and keeps the steps. A completion drops them.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from .record import INPROGRESS, Applied, Claim, Conflict, WritesRefused
from .steps import Call, Failed, Progress, StepResult

Fate: TypeAlias = Literal["recorded", "refused", "unknown", "lost"]
"""What became of a recovery point. Refused: its `writes` were not applied."""


def recovery_point(
    call: Call,
    attempt: int,
    progress: Progress,
    steps: str | bytes,
    *,
    lease_ms: int,
    writes: tuple[Any, ...] = (),
) -> tuple[Progress, Claim]:
    """Return the progress with a step that has returned, and the claim to write. `steps` are all
    steps so far."""
    claim = call.claim(attempt)._replace(
        lease_ms=lease_ms, revision=progress.revision + 1, steps=steps, writes=writes
    )
    kept = progress.steps if writes else steps
    return progress._replace(revision=claim.revision, steps=kept), claim


def settled(progress: Progress, claim: Claim, reply: StepResult) -> tuple[Progress, Fate]:
    """Return the progress after the reply to a recovery point, and that one's fate."""
    fate = _fate(claim, reply)
    if fate == "lost":
        return progress._replace(lost=True), fate
    if claim.writes and fate == "unknown":
        return progress._replace(uncertain=True), fate
    if claim.writes and fate == "recorded":
        return progress._replace(steps=claim.steps), fate
    return progress, fate


def _fate(claim: Claim, reply: StepResult) -> Fate:
    if isinstance(reply, Applied):
        return "recorded"
    if isinstance(reply, WritesRefused):
        return "refused"
    if isinstance(reply, Failed):
        return "unknown"
    if isinstance(reply, Conflict) and (
        (reply.record.owner, reply.record.status) == (claim.owner, INPROGRESS)
    ):
        # An earlier copy of this write has taken effect, or a later one, which has its step.
        overtaken = reply.record.revision > claim.revision
        return "refused" if claim.writes and overtaken else "recorded"
    return "lost"
