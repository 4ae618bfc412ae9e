"""The invariants, which must hold whatever has happened. Checks return what is broken, or None."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from lambda_idempotency.protocol import acquiring
from lambda_idempotency.protocol.record import COMPLETED, INPROGRESS, Claim, Record
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
from simulation.explorer.handlers import read
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
SAME_RESULT: Final = "what a step returned is what every later attempt gets"
ONCE: Final = "a recorded step never runs again"
STEP_FENCE: Final = "no step is recorded by an attempt that lost its lease"
NO_DEATH: Final = "an attempt that gave up has not died"
LET_GO: Final = "a handler that raised leaves nothing held"
SUSPENDED: Final = "an execution that is suspended keeps its key, and has no answer"
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
    lives = before is not None and before.expiration * 1000 > time
    if before is not None and lives and before.status == INPROGRESS:
        return _of_steps_kept(before, after)
    if before is None or before.status != COMPLETED or after == before:
        return None
    if before.expiration * 1000 <= time + scenario.early:
        return None
    what = "deleted" if after is None else "replaced"
    return Broken(FIXED_ANSWER, f"{before.data!r} is {what}")


def _of_steps_kept(before: Record, after: Record | None) -> Broken | None:
    """Check that recovery points stay until the record is completed or parked, and that giving up
    is no death."""
    if after is not None and after.status != INPROGRESS:
        return None
    kept = {} if after is None else read(after.steps)
    for name, value in read(before.steps).items():
        if kept.get(name) != value:
            return Broken(SAME_RESULT, f"step {name}, which {value} ran, is forgotten")
    if after is not None and before.given_up and after.attempt != before.attempt:
        return Broken(NO_DEATH, f"attempt {before.attempt} gave up, and counts as dead")
    return None


def of_renewal(local: Local, claim: Claim, before: Record | None) -> Broken | None:
    """Check a renewal, recovery point or give-up that has taken effect."""
    if local.gave_up and claim.lease_ms:
        return Broken(LET_GO, f"{claim.owner[0]} has let go, and holds its lease again")
    known = read(None if before is None else before.steps)
    if claim.writes and known.keys() >= read(claim.steps).keys():
        return Broken(ONE_COMMIT, f"the writes of a step of {claim.owner[0]} are applied twice")
    if before is None or before.owner != claim.owner:
        return Broken(STEP_FENCE, f"a step of {claim.owner[0]} is recorded without its lease")
    return None


def of_take(name: str, owner: str, stored: Record | None, time: int) -> Broken | None:
    """Check the start of a step, while the store holds this record."""
    if stored is None or stored.owner != owner or not stored.leased(time):
        return None
    if name in read(stored.steps):
        return Broken(ONCE, f"{owner[0]} runs step {name}, which is recorded")
    return None


def of_steps(steps: str | None, owner: str, stored: Record | None) -> Broken | None:
    """Check what a handler got from its steps, while the store holds this record."""
    if stored is None or stored.owner != owner:
        return None
    for name, value in read(stored.steps).items():
        if read(steps).get(name) != value:
            return Broken(
                SAME_RESULT, f"{owner[0]} got another result of step {name} than {value}'s"
            )
    return None


def of_end(
    local: Local, outcome: Outcome, stored: Record | None, owner: str, time: int
) -> Broken | None:
    """Check the end of a call whose last request was answered at this time, by any clock."""
    if not isinstance(outcome, Raised) or stored is None or stored.owner != owner:
        return None
    if outcome.progress is not None and outcome.progress.uncertain:
        return None  # the writes of a step may still be applied
    if local.ran is Ran.LET_GO and stored.leased(time):
        return Broken(LET_GO, f"{owner[0]} has raised, and still holds its lease")
    return None


def of_outcome(
    worker: int, local: Local, outcome: Outcome, stored: Record | None, scenario: Scenario
) -> Broken | None:
    """Check the outcome of a call, while the store holds this record."""
    name = NAMES[worker]
    if isinstance(outcome, InProgress) and outcome.record.owner == scenario.calls[worker].owner:
        return Broken(OWN_CLAIM, f"{name} is told that another call is in progress")
    if isinstance(outcome, Replayed):
        return _of_replay(worker, outcome.record, stored, scenario)
    if isinstance(outcome, Unavailable) and str(outcome.error).startswith(acquiring.CONTRADICTION):
        return Broken(PROGRESS, f"{name} gives up, as if the store contradicted itself")
    has_run = local.ran is not Ran.NOT
    fits = not has_run
    if isinstance(outcome, Executed):
        fits = local.gives is not None and outcome.result == answer_of(local.gives).result
    elif isinstance(outcome, Raised):
        fits = local.ran is Ran.LET_GO or (scenario.reconciles and not has_run)
        fits = fits or (scenario.handlers is not None and has_run)
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
    siblings = scenario.siblings(worker)
    own = [workers[each] for each in siblings]
    others = (other for index, other in enumerate(workers) if index not in siblings)
    if any(each.learned in ("died", "lost") for each in others):
        return None  # it was stopped, and nobody tells it
    unasked = scenario.reconciles and not (let_go or any(each.asked for each in own))
    if unasked and any(each.learned in ("died", "lost") for each in own):
        return Broken(RECONCILING, f"{name} runs, and the other execution has died")
    for index, other in enumerate(workers):
        if index == worker or other.unprotected or _is_passed(index, worker, workers, scenario):
            continue
        if other.holds is Holds.LEASE:
            return Broken(EXCLUSION, f"{name} runs while {NAMES[index]} holds its lease")
        lost = any(workers[each].lost for each in scenario.siblings(index))
        if other.ran is Ran.KEPT and not lost:
            return Broken(NO_REPEAT, f"{name} runs although {NAMES[index]} has run")
        if other.ran is Ran.KEPT and other.holds is Holds.LAPSED:
            if scenario.parks:
                return Broken(PARKING, f"{name} runs although {NAMES[index]}'s attempt died")
            if scenario.reconciles and not (runner.asked or let_go):
                return Broken(RECONCILING, f"{name} runs, and {NAMES[index]}'s attempt died")
    return None


def _is_passed(index: int, worker: int, workers: Sequence[Local], scenario: Scenario) -> bool:
    """Tell whether a worker's invocation does not count: it is of the runner's own execution, or of
    one that has ended, as the runner knows, or another one of its execution has come after it."""
    if not scenario.durable:
        return False
    siblings = scenario.siblings(index)
    later = siblings[siblings.index(index) + 1 :]
    own = [workers[each] for each in scenario.siblings(worker)]
    ends = any(each.learned in ("failed", "died", "lost") for each in own)
    return worker in siblings or ends or any(workers[each].node != 0 for each in later)


def of_commit(worker: int, workers: Sequence[Local]) -> Broken | None:
    """Check the application of a worker's writes, while others' may be applied."""
    for index, other in enumerate(workers):
        if index != worker and other.committed and other.holds is Holds.ANSWER:
            return Broken(
                ONE_COMMIT, f"{NAMES[worker]}'s writes are applied after {NAMES[index]}'s"
            )
    return None
