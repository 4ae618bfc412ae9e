"""Recovery points: what a step returned is recorded before it counts as done. Without I/O.

A recovery point is a renewal with steps: one write over the own record, under the fence. The record
holds all steps so far. What keeps a late write from erasing an earlier one is the revision:

1. Each recovery point has a revision of its own, higher than all before. A store refuses a lower
   one than it has.
2. Recovery points of an attempt are sent one after another, each with all steps so far. A plain
   step counts from the moment its function has returned: if its write fails, the next one has it.
3. A step with `writes` counts when the transaction has taken effect. While its fate is unknown, the
   attempt writes nothing more but its completion: another write might erase the recovery point. So
   it is sent again while there is time, as a completion is. A late copy of it changes nothing: the
   record then has its revision.
4. A take-over demands the revision that it saw, and keeps the steps. A completion drops them.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal, TypeAlias

from .endings import RETRY_PAUSES_MS
from .record import INPROGRESS, Applied, Claim, Conflict, WritesRefused
from .steps import Call, Failed, Progress, Renew, Sleep, StepResult

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
    progress = progress._replace(revision=claim.revision, steps=kept, uncertain=bool(writes))
    return progress, claim


def send(claim: Claim) -> Generator[Renew | Sleep, StepResult, StepResult]:
    """Send a recovery point; repeat one with `writes` while the store fails and there is time left.
    Refused, after a try of unknown fate, is unknown: that try may still be under way."""
    unknown: Failed | None = None
    reply = yield Renew(claim)
    for pause in RETRY_PAUSES_MS if claim.writes else ():
        if not isinstance(reply, Failed):
            break
        if not _wrote_nothing(reply):
            unknown = reply
        if reply.remaining_ms < pause:
            break
        yield Sleep(pause)
        reply = yield Renew(claim)
    refused = isinstance(reply, WritesRefused) or _wrote_nothing(reply)
    return unknown if refused and unknown is not None else reply


def settled(progress: Progress, claim: Claim, reply: StepResult) -> tuple[Progress, Fate]:
    """Return the progress after the reply to a recovery point, and that one's fate."""
    fate = _fate(claim, reply)
    if fate == "lost":
        return progress._replace(lost=True, uncertain=False), fate
    if not claim.writes or fate == "unknown":
        return progress, fate
    steps = claim.steps if fate == "recorded" else progress.steps
    return progress._replace(steps=steps, uncertain=False), fate


def _fate(claim: Claim, reply: StepResult) -> Fate:
    if isinstance(reply, Applied):
        return "recorded"
    if isinstance(reply, WritesRefused):
        return "refused"
    if isinstance(reply, Failed):
        return "refused" if _wrote_nothing(reply) else "unknown"
    if isinstance(reply, Conflict) and (
        (reply.record.owner, reply.record.status) == (claim.owner, INPROGRESS)
    ):
        # An earlier copy of this write has taken effect, or a later one, which has its step.
        overtaken = reply.record.revision > claim.revision
        return "refused" if claim.writes and overtaken else "recorded"
    return "lost"


def _wrote_nothing(reply: StepResult) -> bool:
    """Tell whether the store failed, and said that this request wrote nothing."""
    return isinstance(reply, Failed) and getattr(reply.error, "applied", None) is False
