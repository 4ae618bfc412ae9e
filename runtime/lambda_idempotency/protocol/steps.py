"""The messages between the protocol and its drivers: calls, steps, replies, outcomes."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from ..tuples import NamedTuple
from . import record
from .record import Completion, Metric, Record

# What one call asks for ---------------------------------------------------------------------------


class Call(NamedTuple):
    """One call of an idempotent operation. `wait_ms` 0: do not wait. `renews`: its lease may end
    before the call does, so a heartbeat renews it.

    `reenters`: the owner has a name of its own, so that a later invocation finds its own claim.
    `execution` is the ARN of the durable execution that it is; it is `resumed` where an earlier
    invocation has come to its first checkpoint.
    """

    key: str
    owner: str
    lease_ms: int
    expires_after_ms: int
    fingerprint: str | None = None
    scope: str | None = None
    wait_ms: int = 0
    max_attempts: int | None = None
    fail_open: bool = False
    reconciles: bool = False
    renews: bool = False
    reenters: bool = False
    execution: str | None = None
    resumed: bool = False

    def claim(self, attempt: int) -> record.Claim:
        """Return the claim for an attempt."""
        claim = record.Claim(
            self.key,
            self.owner,
            self.lease_ms,
            self.expires_after_ms,
            attempt,
            self.fingerprint,
            self.scope,
        )
        return claim if self.execution is None else claim._replace(execution=self.execution)

    def claim_with(self, attempt: int, progress: Progress) -> record.Claim:
        """Return the claim of an attempt that has come so far."""
        return self.claim(attempt)._replace(revision=progress.revision, steps=progress.steps)

    def completion(
        self,
        attempt: int,
        *,
        data: str | bytes | None = None,
        encoding: str | None = None,
        not_after: int | None = None,
    ) -> Completion:
        """Return the completion of an attempt, with an answer or without one."""
        return Completion(
            self.key,
            self.owner,
            attempt,
            self.expires_after_ms,
            record.COMPLETED,
            self.fingerprint,
            data,
            encoding,
            self.scope,
            not_after,
        )


class Progress(NamedTuple):
    """What attempts have recorded: the record's revision, and its recovery points. `recovery` has
    the rules by which it grows.

    `uncertain`: nobody knows whether a step's writes were applied, so the lease is kept to its end.
    `lost`: the record refused a step, so it is another attempt's.
    """

    revision: int = 1
    steps: str | bytes | None = None
    uncertain: bool = False
    lost: bool = False


NO_PROGRESS: Final = Progress()


# Steps: what the driver is asked to do ------------------------------------------------------------


class SendClaim(NamedTuple):
    """Send the claim. Reply: the store's, or `Failed`. `reenters`: an earlier claim of this owner
    may stand, so this one is never undone."""

    claim: record.Claim
    seen: Record | None = None
    reenters: bool = False


class Renew(NamedTuple):
    """Write the own record anew, as the claim says: a renewal, a recovery point, or a give-up.
    Reply: the store's, or `Failed`."""

    claim: record.Claim


class Run(NamedTuple):
    """Call the handler. Reply: `Returned`, `Raised`, or, if `lease_ms` has passed since
    the last `SendClaim` or `Read`, `LeaseExpired`. `lease_ms` None: there is no lease.

    `renewal`: from now on, until the call has ended, this claim's lease is renewed by a heartbeat.
    `progress` is what the attempts before have recorded.
    """

    attempt: int
    lease_ms: int | None = None
    renewal: record.Claim | None = None
    progress: Progress = NO_PROGRESS


class Reconcile(NamedTuple):
    """Ask whether the dead attempt before this one had its effect. Reply: as for `Run`, or None:
    run again."""

    attempt: int
    lease_ms: int | None = None
    renewal: record.Claim | None = None


class Complete(NamedTuple):
    """Send the completion. Reply: the store's, or `Failed`."""

    completion: Completion


class Release(NamedTuple):
    """Send the release. Reply: the store's, or `Failed`."""

    key: str
    owner: str


class Read(NamedTuple):
    """Read the record. Reply: the store's, or `Failed`."""

    key: str


class Sleep(NamedTuple):
    """Pause. No reply."""

    milliseconds: int


class CompleteAndClaim(NamedTuple):
    """Send the completion of one call and the claim of another, in one round trip if the store can.
    Reply: `PairResult`."""

    completion: Completion
    claim: record.Claim


class Emit(NamedTuple):
    """Count an event. No reply. `why` and `attempt` are for the log: what has led to it, and which
    attempt met it."""

    metric: Metric
    why: Exception | str | None = None
    attempt: int | None = None


class Examine(NamedTuple):
    """Ask what has become of the durable execution with this ARN. Reply: `Fate`."""

    execution: str


Step: TypeAlias = (
    SendClaim | Renew | Run | Reconcile | Complete | Release | Read | Sleep | Emit | Examine
)


# Replies that are not a store's -------------------------------------------------------------------


class Failed(NamedTuple):
    """The store failed, so the outcome is unknown. `remaining_ms` are left for pauses: the reserve
    for telling the outcome is not among them."""

    error: Exception
    remaining_ms: int


class Returned(NamedTuple):
    """The handler's result, and its recorded form in `data`; `encoding` says how to read that.

    `keep` False: the answer is not final (a server error, for example), so it is not recorded.
    `writes` take effect together with the record. `renewed_at` is the store's time at which the
    lease was last renewed, if it was. `progress` is given if the attempt has used steps.
    `suspended`: the execution goes on in a later invocation, so its claim stays.
    """

    result: Any
    data: str | bytes | None = None
    encoding: str | None = None
    keep: bool = True
    writes: tuple[Any, ...] = ()
    renewed_at: int | None = None
    progress: Progress | None = None
    suspended: bool = False


class Raised(NamedTuple):
    """The handler raised an exception of any kind. Also the outcome of such a call.

    `progress` is given if the attempt has used steps. `suspended`: as in `Returned`.
    """

    error: BaseException
    progress: Progress | None = None
    suspended: bool = False


class Fate(NamedTuple):
    """What has become of a durable execution.

    running     it goes on, or is paused; it times out at `until`, epoch milliseconds, if known
    failed      it ended with an error, so nothing of it is to be kept
    died        it was stopped, or timed out: it may have had effects
    lost        nobody knows how it ended: it is deleted
    succeeded   its result is `data` in the recorded form that `encoding` names
    unknown     it could not be asked
    """

    state: Literal["running", "failed", "died", "lost", "succeeded", "unknown"]
    until: int | None = None
    data: str | bytes | None = None
    encoding: str | None = None


class LeaseExpired(NamedTuple):
    """Nothing was called: the lease may have ended, and another attempt may have begun."""


StepResult: TypeAlias = record.Reply | Failed | Returned | Raised | Fate | LeaseExpired | None


class PairResult(NamedTuple):
    """The replies to `CompleteAndClaim`. Each may have failed alone."""

    completed: StepResult
    claimed: StepResult


# Outcomes: what the caller gets -------------------------------------------------------------------


class Executed(NamedTuple):
    """The call ran, and this is its result."""

    result: Any


class Replayed(NamedTuple):
    """Another call completed; its record holds the answer.

    `own` is the result of this call if it ran, too, and was overtaken: the caller gets it if the
    record's answer cannot be replayed.
    """

    record: Record
    own: Executed | None = None


class InProgress(NamedTuple):
    """Another call holds a live lease at `now`."""

    record: Record
    now: int


class Mismatch(NamedTuple):
    """The key is in use for another payload."""

    record: Record


class Parked(NamedTuple):
    """Attempts kept dying; an operator decides."""

    key: str
    attempts: int


class Unavailable(NamedTuple):
    """The store failed or answered too late, so nothing ran."""

    error: Exception


class CommitFailed(NamedTuple):
    """The call ran, but its writes were not `applied` (False), or that is unknown (None)."""

    key: str
    about: str
    applied: bool | None


class LeaseLost(NamedTuple):
    """The call ran but lost its lease, so its writes were not applied. Another attempt decides."""

    key: str


Outcome: TypeAlias = (
    Executed
    | Replayed
    | InProgress
    | Mismatch
    | Parked
    | Unavailable
    | CommitFailed
    | LeaseLost
    | Raised
)
