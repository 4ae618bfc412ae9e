"""The contract of a store: what each verb does in each state, the same in every store."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final, TypeAlias

import pytest

from kit.worlds import World
from lambda_idempotency.protocol.record import (
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

ME: Final = "a" * 32
OTHER: Final = "b" * 32
STRANGER: Final = "c" * 32
MINUTE: Final = 60_000

# The table ----------------------------------------------------------------------------------------
# `seen` is the planted record, `stranger` another owner's; `late` is after the own claim's
# expiration, `strict` demands the own record. Expired means: not yet deleted.

TABLE: Final = """
                    claim     seen      stranger  complete  late      strict    release   read
absent              Applied   Absent    Absent    Applied   Absent    Absent    Absent    Absent
own live            Conflict  Conflict  Conflict  Applied   Applied   Applied   Applied   Conflict
other live          Conflict  Conflict  Conflict  Conflict  Conflict  Conflict  Conflict  Conflict
own orphan          Conflict  Applied   Conflict  Applied   Applied   Applied   Applied   Conflict
other orphan        Conflict  Applied   Conflict  Conflict  Conflict  Conflict  Conflict  Conflict
own completed       Conflict  Conflict  Conflict  Conflict  Conflict  Conflict  Conflict  Conflict
other completed     Conflict  Conflict  Conflict  Conflict  Conflict  Conflict  Conflict  Conflict
own parked          Conflict  Conflict  Conflict  Applied   Applied   Conflict  Conflict  Conflict
other parked        Conflict  Conflict  Conflict  Applied   Applied   Conflict  Conflict  Conflict
own expired         Applied   Absent    Absent    Applied   Absent    Absent    Absent    Absent
other expired       Applied   Absent    Absent    Applied   Absent    Absent    Absent    Absent
completed expired   Applied   Absent    Absent    Applied   Absent    Absent    Absent    Absent
parked expired      Applied   Absent    Absent    Applied   Absent    Absent    Absent    Absent
"""

REPLIES: Final[dict[str, type[Reply]]] = {
    "Applied": Applied,
    "Conflict": Conflict,
    "Absent": Absent,
}


def _cases() -> list[tuple[str, str, type[Reply]]]:
    verbs, *rows = TABLE.strip("\n").splitlines()
    return [
        (verb, row[:20].strip(), REPLIES[reply])
        for row in rows
        for verb, reply in zip(verbs.split(), row[20:].split(), strict=True)
    ]


def _record(state: str, key: str, now: int) -> Record | None:
    """The record in this state; `own` is ours."""
    if state == "absent":
        return None
    words = set(state.split())
    status: Status = INPROGRESS
    if "completed" in words:
        status = COMPLETED
    elif "parked" in words:
        status = PARKED
    lease_end = now + MINUTE if state.endswith("live") else now - MINUTE
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
    )


def _claim(key: str, *, owner: str = ME) -> Claim:
    return Claim(
        key=key,
        owner=owner,
        lease=30_250,
        expires_after=3_600_500,
        attempt=4,
        fingerprint="mine",
        scope="me",
    )


def _completion(key: str, now: int) -> Completion:
    return Completion(
        key=key,
        owner=ME,
        attempt=4,
        expires_after=3_600_500,
        fingerprint="mine",
        data='"mine"',
        scope="me",
        not_after=now // 1000 + 60,
    )


Verb: TypeAlias = Callable[[World, Record | None], tuple[Reply, Callable[[int], Record | None]]]


def _try_to_claim(world: World, seen: Record | None) -> tuple[Reply, Callable[[int], Record]]:
    claim = _claim(world.key)
    return world.store.claim(claim, seen), claim.record


def _claim_seen(world: World, planted: Record | None) -> tuple[Reply, Callable[[int], Record]]:
    gone = _record("other orphan", world.key, world.now())
    return _try_to_claim(world, gone if planted is None else planted)


def _claim_stranger(world: World, _: Record | None) -> tuple[Reply, Callable[[int], Record]]:
    seen = _record("other orphan", world.key, world.now())
    assert seen is not None
    return _try_to_claim(world, seen._replace(owner=STRANGER))


def _complete(world: World, completion: Completion) -> tuple[Reply, Callable[[int], Record]]:
    return world.store.complete(completion), completion.record


VERBS: Final[dict[str, Verb]] = {
    "claim": lambda world, _: _try_to_claim(world, None),
    "seen": _claim_seen,
    "stranger": _claim_stranger,
    "complete": lambda world, _: _complete(world, _completion(world.key, world.now())),
    "late": lambda world, _: _complete(
        world, _completion(world.key, 0)._replace(not_after=world.now() // 1000)
    ),
    "strict": lambda world, _: _complete(
        world, _completion(world.key, world.now())._replace(strict=True)
    ),
    "release": lambda world, _: (world.store.release(world.key, ME), lambda _: None),
    "read": lambda world, _: (world.store.read(world.key), lambda _: None),
}


@pytest.mark.parametrize(("verb", "state", "expected"), _cases())
def test_a_verb_does_what_the_table_says(
    world: World, verb: str, state: str, expected: type[Reply]
) -> None:
    planted = _record(state, world.key, world.now())
    if planted is not None:
        world.plant(planted)
    before = world.now()
    reply, written = VERBS[verb](world, planted)
    after = world.now()
    assert type(reply) is expected
    assert before <= reply.now <= after
    if isinstance(reply, Conflict):
        assert reply.record == planted
    # A write takes effect as a whole, or not at all.
    assert world.stored() == (written(reply.now) if isinstance(reply, Applied) else planted)


# The answer may be recorded over nothing ----------------------------------------------------------


@pytest.mark.parametrize("state", ["absent", "other expired", "completed expired"])
def test_without_a_known_limit_an_answer_is_recorded_over_nothing(world: World, state: str) -> None:
    planted = _record(state, world.key, world.now())
    if planted is not None:
        world.plant(planted)
    completion = _completion(world.key, 0)._replace(not_after=None)
    assert isinstance(world.store.complete(completion), Applied)
    assert world.stored() is not None


def test_a_strict_answer_is_never_recorded_over_nothing(world: World) -> None:
    completion = _completion(world.key, 0)._replace(not_after=None, strict=True)
    assert isinstance(world.store.complete(completion), Absent)
    assert world.stored() is None


# Records come back as they were written -----------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (None, None),
        (None, "none"),
        ("", None),
        ('{"text":"Grüße \U0001f600 \\u0000"}', None),
        (b"\x00\xff\x78\x9c", "zlib"),
        ("x" * 300_000, None),
    ],
    ids=["no data", "no body", "empty", "text", "bytes", "large"],
)
def test_an_answer_comes_back_as_it_was_written(
    world: World, data: str | bytes | None, encoding: str | None
) -> None:
    completion = _completion(world.key, world.now())._replace(data=data, encoding=encoding)
    done = world.store.complete(completion)
    written = completion.record(done.now)
    found = world.store.read(world.key)
    blocked = world.store.claim(_claim(world.key, owner=OTHER))
    assert isinstance(found, Conflict)
    assert isinstance(blocked, Conflict)
    assert found.record == blocked.record == written


@pytest.mark.parametrize("status", [COMPLETED, PARKED])
def test_a_completion_writes_its_status(world: World, status: Status) -> None:
    world.store.complete(_completion(world.key, world.now())._replace(status=status))
    stored = world.stored()
    assert stored is not None
    assert stored.status == status


def test_a_claim_comes_back_as_it_was_written(world: World) -> None:
    claim = _claim(world.key)
    done = world.store.claim(claim)
    found = world.store.read(world.key)
    assert isinstance(found, Conflict)
    assert found.record == claim.record(done.now)


def test_a_claim_without_fingerprint_and_scope_comes_back_without(world: World) -> None:
    world.store.claim(_claim(world.key)._replace(fingerprint=None, scope=None))
    found = world.store.read(world.key)
    assert isinstance(found, Conflict)
    assert (found.record.fingerprint, found.record.scope) == (None, None)


def test_a_claim_is_leased_and_expires_counted_from_the_time_of_the_reply(world: World) -> None:
    done = world.store.claim(_claim(world.key))
    stored = world.stored()
    assert stored is not None
    assert stored.lease_end == done.now + 30_250
    assert 0 <= stored.expiration * 1000 - (stored.lease_end + 3_600_500) < 1000


def test_an_answer_expires_counted_from_the_time_of_the_reply(world: World) -> None:
    done = world.store.complete(_completion(world.key, world.now()))
    stored = world.stored()
    assert stored is not None
    assert 0 <= stored.expiration * 1000 - (done.now + 3_600_500) < 1000


def test_verbs_leave_other_keys_alone(world: World) -> None:
    planted = _record("own live", f"{world.key}.", world.now())
    assert planted is not None
    world.plant(planted)
    world.store.claim(_claim(world.key))
    world.store.release(world.key, ME)
    found = world.store.read(planted.key)
    assert isinstance(found, Conflict)
    assert found.record == planted


# Many at once -------------------------------------------------------------------------------------


def _at_once(world: World, seen: Record | None) -> list[tuple[str, Reply]]:
    """32 callers send their claims together; returns each one's owner and reply."""
    owners = [f"{number:032x}" for number in range(32)]
    start = Barrier(len(owners))

    def claim(owner: str) -> tuple[str, Reply]:
        start.wait()
        return owner, world.store.claim(_claim(world.key, owner=owner), seen)

    with ThreadPoolExecutor(len(owners)) as pool:
        return list(pool.map(claim, owners))


@pytest.mark.parametrize("state", ["absent", "other orphan", "completed expired"])
def test_of_many_claims_at_once_one_succeeds(atomic_world: World, state: str) -> None:
    planted = _record(state, atomic_world.key, atomic_world.now())
    if planted is not None:
        atomic_world.plant(planted)
    replies = _at_once(atomic_world, planted if state == "other orphan" else None)
    winners = [owner for owner, reply in replies if isinstance(reply, Applied)]
    assert len(winners) == 1
    blocked_by = {reply.record.owner for _, reply in replies if isinstance(reply, Conflict)}
    assert blocked_by == set(winners)


def test_of_many_claims_at_once_none_succeeds_against_a_live_lease(atomic_world: World) -> None:
    held = _record("other live", atomic_world.key, atomic_world.now())
    assert held is not None
    atomic_world.plant(held)
    assert {type(reply) for _, reply in _at_once(atomic_world, held)} == {Conflict}
    assert atomic_world.stored() == held
