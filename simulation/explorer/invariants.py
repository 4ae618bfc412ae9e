"""The invariants, which must hold whatever has happened. Checks return what is broken, or None."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from lambda_idempotency.protocol import machine
from lambda_idempotency.protocol.record import COMPLETED, Record
from lambda_idempotency.protocol.steps import (
    CommitFailed,
    Executed,
    InProgress,
    LeaseLost,
    Outcome,
    Raised,
    Replayed,
    Unavailable,
)
from simulation.explorer.scenarios import NAMES, Scenario
from simulation.explorer.workers import Holds, Local, Ran, answer_of

ONE_OWNER: Final = "at most one owner may complete"
FIXED_ANSWER: Final = "a COMPLETED answer never changes until it expires"
EXCLUSION: Final = "no run starts while a live lease is held by another"
NO_REPEAT: Final = "a run repeats only after a crash, a release or a lost lease"
TRUE_REPLAY: Final = "a replay equals the recorded answer to the same payload"
NO_BLOCK: Final = "no key is blocked beyond its lease or expiry"
ONE_COMMIT: Final = "a commit under the fence is applied at most once"
TRUE_COMMIT: Final = "no caller is told wrongly whether its writes were applied"
OWN_CLAIM: Final = "no caller is told to wait for its own call"
RESULT: Final = "the handler's result, or the recorded answer, reaches the caller"
PARKING: Final = "no more attempts die than max_attempts"
RECONCILING: Final = "no run follows a dead attempt before asking what the attempt did"
PROGRESS: Final = "no call goes round in circles"


class Broken(NamedTuple):
    """An invariant that does not hold, and the way in which it is broken."""

    invariant: str
    why: str


CIRCLE: Final = Broken(PROGRESS, "this leads back to where it has been")

# Of one worker's step -----------------------------------------------------------------------------


def of_write(
    before: Record | None, after: Record | None, time: int, scenario: Scenario
) -> Broken | None:
    """Check a request that has reached the store, or the deletion of a record."""
    if before is None or before.status != COMPLETED or after == before:
        return None
    if before.expiration * 1000 <= time + scenario.early:
        return None
    what = "deleted" if after is None else "replaced"
    return Broken(FIXED_ANSWER, f"{before.data!r} is {what}")


def of_outcome(
    worker: int, local: Local, outcome: Outcome, stored: Record | None, scenario: Scenario
) -> Broken | None:
    """Check the outcome of a call, while the store holds this record."""
    name = NAMES[worker]
    if isinstance(outcome, InProgress) and outcome.record.owner == scenario.calls[worker].owner:
        return Broken(OWN_CLAIM, f"{name} is told that another call is in progress")
    if isinstance(outcome, Replayed):
        return _of_replay(worker, outcome.record, stored, scenario)
    if isinstance(outcome, Unavailable) and str(outcome.error).startswith(machine.CONTRADICTION):
        return Broken(PROGRESS, f"{name} gives up, as if the store contradicted itself")
    has_run = local.ran is not Ran.NOT
    fits = not has_run
    if isinstance(outcome, Executed):
        fits = local.gives is not None and outcome.result == answer_of(local.gives).result
    elif isinstance(outcome, Raised):
        fits = local.ran is Ran.LET_GO or (scenario.reconciles and not has_run)
    elif isinstance(outcome, CommitFailed | LeaseLost):
        fits = has_run and scenario.commits
    if not fits:
        has = "has run" if has_run else "has not run"
        return Broken(RESULT, f"{name} {has}, and its caller is given {type(outcome).__name__}")
    return _of_commit(name, local, outcome) if scenario.commits else None


def _of_commit(name: str, local: Local, outcome: Outcome) -> Broken | None:
    """Check what a caller is told about its writes: the truth, as long as there is a record of
    it."""
    told: bool | None = None
    if isinstance(outcome, Executed):
        told = local.ran is Ran.KEPT or None
    elif isinstance(outcome, CommitFailed):
        told = outcome.applied
    elif isinstance(outcome, LeaseLost):
        told = False
    if told is None or told is local.committed or local.holds is Holds.EXPIRED:
        return None
    were = "were" if local.committed else "were not"
    return Broken(TRUE_COMMIT, f"{name} gets {type(outcome).__name__}; its writes {were} applied")


def _of_replay(
    worker: int, answer: Record, stored: Record | None, scenario: Scenario
) -> Broken | None:
    name, payload = NAMES[worker], scenario.calls[worker].fingerprint
    payloads = {
        answer_of(index).data: call.fingerprint for index, call in enumerate(scenario.calls)
    }
    if answer != stored or answer.status != COMPLETED or answer.data not in payloads:
        return Broken(TRUE_REPLAY, f"{name} is given {answer.data!r}, which is not recorded")
    if payloads[answer.data] != payload:
        return Broken(TRUE_REPLAY, f"{name} is given {answer.data!r}, which is to another payload")
    return None


# Of all workers -----------------------------------------------------------------------------------


def of_run(worker: int, workers: Sequence[Local], scenario: Scenario) -> Broken | None:
    """Check the start of a worker's handler, which is in time by its own clock. By another clock,
    which is ahead, its lease may have ended: then it may run beside another."""
    runner = workers[worker]
    if runner.unprotected or (runner.lost and scenario.early > 0):
        return None
    name = NAMES[worker]
    let_go = any(other.ran is Ran.LET_GO for other in workers)
    for index, other in enumerate(workers):
        if index == worker or other.unprotected:
            continue
        if other.holds is Holds.LEASE:
            return Broken(EXCLUSION, f"{name} runs while {NAMES[index]} holds its lease")
        if other.ran is Ran.KEPT and not other.lost:
            return Broken(NO_REPEAT, f"{name} runs although {NAMES[index]} has run")
        if other.ran is Ran.KEPT and other.holds is Holds.LAPSED:
            if scenario.parks:
                return Broken(PARKING, f"{name} runs although {NAMES[index]}'s attempt died")
            if scenario.reconciles and not (runner.asked or let_go):
                return Broken(RECONCILING, f"{name} runs, and {NAMES[index]}'s attempt died")
    return None


def of_commit(worker: int, workers: Sequence[Local]) -> Broken | None:
    """Check the application of a worker's writes, while others' may be applied."""
    for index, other in enumerate(workers):
        if index != worker and other.committed and other.holds is Holds.ANSWER:
            return Broken(
                ONE_COMMIT, f"{NAMES[worker]}'s writes are applied after {NAMES[index]}'s"
            )
    return None
