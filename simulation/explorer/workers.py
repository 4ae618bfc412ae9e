"""A worker, as the explorer remembers it: the state of its generator, and what it has done.

Of the past it keeps only what the invariants need: whether the handler has run, and what the worker
holds in the store until when.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, NamedTuple, TypeAlias

from lambda_idempotency.protocol.record import COMPLETED, Claim, Record, expiration
from lambda_idempotency.protocol.steps import (
    Complete,
    Executed,
    Outcome,
    Release,
    Renew,
    Replayed,
    Returned,
    SendClaim,
    Unavailable,
)
from simulation.explorer.scenarios import NAMES, Scenario


class Ran(IntEnum):
    """The knowledge about a worker's handler."""

    NOT = 0
    KEPT = 1
    """It has run, and its answer is to be kept: its own, or one that was found."""
    LET_GO = 2
    """It has run, and another may run: it raised, or its answer is not to be kept."""


class Holds(IntEnum):
    """The things that a worker may have in the store."""

    NOTHING = 0
    LEASE = 1
    """A lease, up to `until`."""
    LAPSED = 2
    """A lease that has ended; its record counts for dead attempts up to `until`."""
    ANSWER = 3
    """A recorded answer, up to `until`."""
    EXPIRED = 4
    """Anything that no longer counts."""


End: TypeAlias = Literal["", "succeeded", "failed"]


class Local(NamedTuple):
    """A worker. `until` is in epoch milliseconds, `skew` in milliseconds."""

    node: int = 0
    """The state of its generator; -1: it has ended."""
    ran: Ran = Ran.NOT
    holds: Holds = Holds.NOTHING
    until: int = 0
    unprotected: bool = False
    """Its claim failed, and it goes on anyway, as `fail_open` says."""
    committed: bool = False
    """Its writes have been applied."""
    asked: bool = False
    """It was told that the dead attempt before it has done nothing."""
    gives: int | None = None
    """The worker whose answer it gives: itself, or a dead attempt's, as it was told."""
    sent: int = 0
    """The time at which it asked for the lease of its next run, in epoch milliseconds."""
    confirmed: bool = False
    """A response has confirmed its clock."""
    skew: int = 0
    running: bool = False
    """Its handler has begun, and has not ended yet."""
    renewal: Claim | None = None
    """The claim that its heartbeat renews."""
    renewed: int = 0
    """The time of the last renewal that was answered, in epoch milliseconds."""
    gave_up: bool = False
    """It has let go of its record, which keeps its steps."""
    suspended: bool = False
    """Its handler has been suspended."""
    end: End = ""
    """The end of its execution, as Lambda was told it."""
    learned: str = ""
    """What it was told of the other execution."""
    asleep: int = 0
    """A stamp of what it had seen when it fell asleep, if it waits for a change."""

    @property
    def lost(self) -> bool:
        """True if it has had a lease that has ended."""
        return self.holds in (Holds.LAPSED, Holds.EXPIRED)


def aged(local: Local, time: int, scenario: Scenario) -> Local:
    """Return the worker at a later time. A lease or an answer counts as ended as soon as it has
    ended by the clock that is most ahead."""
    time += scenario.early
    if local.holds == Holds.LEASE and local.until <= time:
        remembered = scenario.parks or scenario.reconciles
        until = expiration(local.until, scenario.expires_after) * 1000 if remembered else 0
        local = local._replace(holds=Holds.LAPSED, until=until)
    if local.holds in (Holds.LAPSED, Holds.ANSWER) and 0 < local.until <= time:
        local = local._replace(holds=Holds.EXPIRED, until=0)
    return local


def holding(
    local: Local, request: SendClaim | Renew | Complete | Release, after: Record | None
) -> Local:
    """Return the worker after a write of its own that took effect."""
    if isinstance(request, Renew) and request.claim.lease_ms == 0:
        return local._replace(holds=Holds.NOTHING, until=0, gave_up=True)
    if isinstance(request, SendClaim | Renew) and after is not None:
        return local._replace(holds=Holds.LEASE, until=after.lease_end)
    if isinstance(request, Complete) and after is not None and after.status == COMPLETED:
        return local._replace(holds=Holds.ANSWER, until=after.expiration * 1000)
    return local._replace(holds=Holds.NOTHING, until=0)


def end_of(local: Local, outcome: Outcome) -> End:
    """Return the end of an execution whose invocation ends so; none if Lambda invokes it again."""
    if local.suspended or isinstance(outcome, Unavailable):
        return ""
    if isinstance(outcome, Executed | Replayed) and local.ran is not Ran.LET_GO:
        return "succeeded"
    return "failed"


def ended(local: Local) -> Local:
    """Return what still matters of a worker that has ended."""
    return local._replace(
        node=-1,
        sent=0,
        confirmed=False,
        skew=0,
        running=False,
        renewal=None,
        renewed=0,
        asleep=0,
    )


def answer_of(worker: int, *, commits: bool = False) -> Returned:
    """Return the result of this worker's handler."""
    name = NAMES[worker]
    writes = (f"write of {name}",) if commits else ()
    return Returned(f"answer of {name}", f'"answer of {name}"', writes=writes)
