"""The vocabulary of the protocol: the record, the writes that change it, and a store's replies.

Times are the store's: `now` and `lease_end` in epoch milliseconds, `expiration` in epoch seconds
(the unit DynamoDB's TTL and Redis' PEXPIREAT can share). Durations are milliseconds.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from ..tuples import NamedTuple

Status: TypeAlias = Literal["INPROGRESS", "COMPLETED", "PARKED"]

INPROGRESS: Final = "INPROGRESS"
COMPLETED: Final = "COMPLETED"
PARKED: Final = "PARKED"

PARKED_FOR_MS: Final = 14 * 24 * 3600 * 1000
"""Milliseconds for which a parked record is kept."""

Metric: TypeAlias = Literal[
    "Executed",
    "Resumed",
    "Replayed",
    "InProgress",
    "Mismatch",
    "MissingKey",
    "TakenOver",
    "LeaseLost",
    "CompletionFailed",
    "Parked",
    "Reconciled",
    "StepRecorded",
    "StepReplayed",
    "StepUnrecorded",
    "LivenessUnknown",
    "StoreError",
    "StoreLatency",
    "EvictionPossible",
    "CredentialRefresh",
]

NO_BODY: Final = "none"
"""The `encoding` of a completed record whose response could not be stored."""

NOT_KEPT: Final = "not kept"
"""The `encoding` of a completed record whose response was not to be stored."""


FORMAT: Final = "1"
"""The format of records, as a store holds them. One that names no other has this one. A release
that writes what an older one must not ignore writes another `format`, which that one refuses."""


class Record(NamedTuple):
    """The record of a request, as a store holds it under its key.

    `status` is INPROGRESS, COMPLETED or PARKED; `owner` is the attempt that wrote it, `attempt` its
    number. `expiration` is in epoch seconds, `lease_end` (of an INPROGRESS record, else 0) in epoch
    milliseconds. `data` is the answer, text or bytes, in the form that `encoding` names.

    Of an INPROGRESS record, `revision` grows with each recovery point, give-up and take-over, and
    `steps` are all recovery points so far. An attempt that gave up left a `lease_end` of 0.
    `execution` is the ARN of the durable execution that holds it.
    """

    key: str
    status: Status
    owner: str
    attempt: int
    expiration: int
    lease_end: int = 0
    fingerprint: str | None = None
    data: str | bytes | None = None
    encoding: str | None = None
    scope: str | None = None
    revision: int = 0
    steps: str | bytes | None = None
    execution: str | None = None

    def expired(self, now: int) -> bool:
        """Return True where the record counts as absent, deleted or not (TTL deletion lags by
        days). `now` is in epoch milliseconds."""
        return self.expiration * 1000 <= now

    def leased(self, now: int) -> bool:
        """Return True while the owner may still be running. `now` is in epoch milliseconds."""
        return self.status == INPROGRESS and self.lease_end > now

    @property
    def given_up(self) -> bool:
        """True if the last attempt gave up: it did not die, and another may go on at once."""
        return self.status == INPROGRESS and self.lease_end == 0


class Claim(NamedTuple):
    """The wish to run, or to run on: becomes an INPROGRESS record leased for `lease_ms`, which
    expires `expires_after_ms` after its lease. `lease_ms` 0: the attempt gives up; below 0: it has
    died, and its lease is over.

    `writes` are the DynamoDB writes of a step, which take effect together with the record.
    """

    key: str
    owner: str
    lease_ms: int
    expires_after_ms: int
    attempt: int = 1
    fingerprint: str | None = None
    scope: str | None = None
    revision: int = 1
    steps: str | bytes | None = None
    writes: tuple[Any, ...] = ()
    execution: str | None = None

    def record(self, now: int) -> Record:
        """Return the record that this claim writes at `now`, epoch milliseconds: nothing expires
        while it is leased."""
        return Record(
            self.key,
            INPROGRESS,
            self.owner,
            self.attempt,
            self.expires(now),
            now + self.lease_ms if self.lease_ms else 0,
            self.fingerprint,
            None,
            None,
            self.scope,
            self.revision,
            self.steps,
            self.execution,
        )

    def expires(self, now: int) -> int:
        """Return when the record expires that this claim writes at `now`."""
        return expiration(now + self.lease_ms, self.expires_after_ms)

    def given_up(self) -> Claim:
        """Return what an attempt writes that gives up: its lease ends, its steps stay."""
        return self._replace(lease_ms=0, revision=self.revision + 1, writes=())


class Completion(NamedTuple):
    """The end of an attempt: becomes a COMPLETED (or PARKED) record, which expires
    `expires_after_ms` later.

    `expiration` (epoch seconds) is fixed where every try must write the same bytes.
    `not_after` (epoch seconds) is the expiration of the owner's own claim: until then the answer
    may be recorded over an absent record. None means no limit is known. `strict` demands the
    owner's own INPROGRESS record and nothing else. `writes` are the DynamoDB writes of the business
    that take effect together with the completion; they never replace a PARKED record.
    """

    key: str
    owner: str
    attempt: int
    expires_after_ms: int
    status: Status = COMPLETED
    fingerprint: str | None = None
    data: str | bytes | None = None
    encoding: str | None = None
    scope: str | None = None
    not_after: int | None = None
    expiration: int | None = None
    strict: bool = False
    writes: tuple[Any, ...] = ()

    def record(self, now: int) -> Record:
        """Return the record that this completion writes at `now`, epoch milliseconds."""
        return Record(
            self.key,
            self.status,
            self.owner,
            self.attempt,
            expiration(now, self.expires_after_ms) if self.expiration is None else self.expiration,
            0,
            self.fingerprint,
            self.data,
            self.encoding,
            self.scope,
        )

    def may_create(self, now: int) -> bool:
        """Return True where the answer may be recorded over nothing: the record was evicted, or
        released. `now` is in epoch milliseconds."""
        return not self.strict and (self.not_after is None or now < self.not_after * 1000)


class Applied(NamedTuple):
    """The write took effect, at `now`."""

    now: int


class Conflict(NamedTuple):
    """The write had no effect, because of this live record; or a read found it."""

    record: Record
    now: int


class Absent(NamedTuple):
    """The write had no effect, or a read found nothing: the record is absent or expired."""

    now: int


class WritesRefused(NamedTuple):
    """A completion had no effect, because its `writes` cannot be applied; `about` says why."""

    about: str
    now: int


Reply: TypeAlias = Applied | Conflict | Absent | WritesRefused
"""What a store answers, with its time, `now`, in epoch milliseconds."""


def expiration(now: int, after: int) -> int:
    """Epoch seconds, rounded up, of a moment `after` milliseconds past `now` (milliseconds)."""
    return -(-(now + after) // 1000)
