"""The effect of each verb of a store in each state of a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from ..protocol.record import (
    COMPLETED,
    INPROGRESS,
    PARKED,
    Absent,
    Applied,
    Claim,
    Completion,
    Conflict,
    Record,
    Reply,
    Status,
)
from .store_harness import StoreHarness

ME: Final = "a" * 32
OTHER: Final = "b" * 32
STRANGER: Final = "c" * 32
MINUTE: Final = 60_000
REVISION: Final = 3
EXECUTION: Final = "arn:aws:lambda:eu-west-1:123456789012:function:pay:1/durable-execution/a/b"
STEPS: Final = '{"charge":["\\"paid \u00fc\\""]}'

# `seen` is the planted record, `stranger` another owner's, `stale` the planted one at an earlier
# revision. `renew` has the revision after the record's, `behind` one before it. `late` is after the
# own claim's expiration, `strict` demands the own record. Expired means: not yet deleted.

TABLE: Final = """
                 claim    seen     stranger stale    renew    behind   complete late     strict   release  read
absent           Applied  Absent   Absent   Absent   Absent   Absent   Applied  Absent   Absent   Absent   Absent
own live         Conflict Conflict Conflict Conflict Applied  Conflict Applied  Applied  Applied  Applied  Conflict
own steps        Conflict Conflict Conflict Conflict Applied  Conflict Applied  Applied  Applied  Conflict Conflict
other live       Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict
own orphan       Conflict Applied  Conflict Conflict Applied  Conflict Applied  Applied  Applied  Applied  Conflict
other orphan     Conflict Applied  Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict
own given-up     Conflict Applied  Conflict Conflict Applied  Conflict Applied  Applied  Applied  Conflict Conflict
other given-up   Conflict Applied  Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict
own completed    Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict
other completed  Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict Conflict
own parked       Conflict Conflict Conflict Conflict Conflict Conflict Applied  Applied  Conflict Conflict Conflict
other parked     Conflict Conflict Conflict Conflict Conflict Conflict Applied  Applied  Conflict Conflict Conflict
own expired      Applied  Absent   Absent   Absent   Absent   Absent   Applied  Absent   Absent   Absent   Absent
other expired    Applied  Absent   Absent   Absent   Absent   Absent   Applied  Absent   Absent   Absent   Absent
completed expired Applied Absent   Absent   Absent   Absent   Absent   Applied  Absent   Absent   Absent   Absent
parked expired   Applied  Absent   Absent   Absent   Absent   Absent   Applied  Absent   Absent   Absent   Absent
"""  # noqa: E501

REPLIES: Final[dict[str, type[Reply]]] = {
    "Applied": Applied,
    "Conflict": Conflict,
    "Absent": Absent,
}


def rows() -> list[tuple[str, dict[str, type[Reply]]]]:
    """Each row of the table: the state that the verbs meet, and the reply to each."""
    first, *rows = TABLE.strip("\n").splitlines()
    verbs = first.split()
    return [
        (
            " ".join(words[: -len(verbs)]),
            {verb: REPLIES[reply] for verb, reply in zip(verbs, words[-len(verbs) :], strict=True)},
        )
        for words in map(str.split, rows)
    ]


def record_in(state: str, key: str, now: int) -> Record | None:
    """Return the record in this state; `own` is ours."""
    if state == "absent":
        return None
    words = set(state.split())
    status: Status = INPROGRESS
    if "completed" in words:
        status = COMPLETED
    elif "parked" in words:
        status = PARKED
    lease_end = now + MINUTE if words & {"live", "steps"} else now - MINUTE
    if "given-up" in words:
        lease_end = 0
    return Record(
        key=key,
        status=status,
        owner=ME if state.startswith("own") else OTHER,
        attempt=3,
        expiration=(now + (-MINUTE if state.endswith("expired") else MINUTE)) // 1000 + 1,
        lease_end=lease_end if status == INPROGRESS else 0,
        fingerprint="payload",
        data='"answer"' if status == COMPLETED else None,
        scope="alice",
        revision=REVISION if status == INPROGRESS else 0,
        steps=STEPS if words & {"steps", "given-up"} else None,
        execution=EXECUTION if status == INPROGRESS else None,
    )


def planted(harness: StoreHarness, state: str) -> Record | None:
    """Put the harness' key in this state."""
    record = record_in(state, harness.key, harness.now())
    return None if record is None else harness.plant(record)


def claim_of(key: str, *, owner: str = ME) -> Claim:
    """Return a claim of ours."""
    return Claim(
        key=key,
        owner=owner,
        lease_ms=30_250,
        expires_after_ms=3_600_500,
        attempt=4,
        fingerprint="mine",
        scope="me",
        revision=REVISION + 1,
        steps=STEPS,
        execution=EXECUTION,
    )


def completion_of(key: str, now: int) -> Completion:
    """Return a completion of ours, of a claim that expires a minute after `now`."""
    return Completion(
        key=key,
        owner=ME,
        attempt=4,
        expires_after_ms=3_600_500,
        fingerprint="mine",
        data='"mine"',
        scope="me",
        not_after=now // 1000 + 60,
    )


Written: TypeAlias = Callable[[int], Record | None]
"""A function of the time at which a verb was applied, to the record that is then stored."""


def _try_to_claim(harness: StoreHarness, seen: Record | None) -> tuple[Reply, Written]:
    claim = claim_of(harness.key)
    return harness.store.claim(claim, seen), claim.record


def _claim_seen(harness: StoreHarness, planted: Record | None) -> tuple[Reply, Written]:
    absent = record_in("other orphan", harness.key, harness.now())
    return _try_to_claim(harness, absent if planted is None else planted)


def _claim_stranger(harness: StoreHarness, _: Record | None) -> tuple[Reply, Written]:
    seen = record_in("other orphan", harness.key, harness.now())
    assert seen is not None
    return _try_to_claim(harness, seen._replace(owner=STRANGER))


def _claim_stale(harness: StoreHarness, planted: Record | None) -> tuple[Reply, Written]:
    seen = planted or record_in("other orphan", harness.key, harness.now())
    assert seen is not None
    return _try_to_claim(harness, seen._replace(revision=REVISION - 1))


def _renew(harness: StoreHarness, revision: int) -> tuple[Reply, Written]:
    claim = claim_of(harness.key)._replace(revision=revision)
    return harness.store.renew(claim), claim.record


def _complete(harness: StoreHarness, completion: Completion) -> tuple[Reply, Written]:
    return harness.store.complete(completion), completion.record


Verb: TypeAlias = Callable[[StoreHarness, Record | None], tuple[Reply, Written]]
"""A request to a store in which this record was planted."""

VERBS: Final[dict[str, Verb]] = {
    "claim": lambda harness, _: _try_to_claim(harness, None),
    "seen": _claim_seen,
    "stranger": _claim_stranger,
    "stale": _claim_stale,
    "renew": lambda harness, _: _renew(harness, REVISION + 1),
    "behind": lambda harness, _: _renew(harness, REVISION - 1),
    "complete": lambda harness, _: _complete(harness, completion_of(harness.key, harness.now())),
    "late": lambda harness, _: _complete(
        harness, completion_of(harness.key, 0)._replace(not_after=harness.now() // 1000)
    ),
    "strict": lambda harness, _: _complete(
        harness, completion_of(harness.key, harness.now())._replace(strict=True)
    ),
    "release": lambda harness, _: (harness.store.release(harness.key, ME), lambda _: None),
    "read": lambda harness, _: (harness.store.read(harness.key), lambda _: None),
}
