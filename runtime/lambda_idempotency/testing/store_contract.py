"""The contract of a store, the same for every one: a suite that pytest runs on yours.

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self) -> Store:
            return MyStore("localhost")

If tests can reach the server itself, define a fixture `harness` instead: a `StoreHarness` of your
own that plants records in the server and sees what is stored.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final

import pytest

from ..protocol.record import (
    COMPLETED,
    PARKED,
    Absent,
    Applied,
    Conflict,
    Record,
    Reply,
    Status,
)
from ..stores.base import Store
from .store_cases import (
    ME,
    OTHER,
    STEPS,
    VERBS,
    claim_of,
    completion_of,
    planted,
    record_in,
    rows,
)
from .store_harness import StoreHarness, new_key

LARGE: Final = 300_000
"""Characters of a large answer; fewer if the store holds less."""


class OneCallerContract:
    """The contract, as far as one caller at a time can see it."""

    @pytest.fixture
    def store(self) -> Store:
        """Return the store. Override this, or `harness`."""
        raise NotImplementedError(
            f"{type(self).__name__} has no fixture `store`; define one that returns the store "
            "to test"
        )

    @pytest.fixture
    def harness(self, store: Store) -> StoreHarness:
        """Return the store, with a test's ways to reach its records."""
        return StoreHarness(store)

    @pytest.fixture
    def renewing(self, harness: StoreHarness) -> StoreHarness:
        """Return the harness of a store that renews leases."""
        if not harness.store.renews:
            pytest.skip("the store does not renew leases")
        return harness

    @pytest.mark.parametrize(("state", "expected"), rows(), ids=lambda value: str(value)[:15])
    def test_each_verb_does_what_the_table_says(
        self, harness: StoreHarness, state: str, expected: dict[str, type[Reply]]
    ) -> None:
        if "steps" in state and not harness.store.renews:
            pytest.skip("the store does not renew leases")
        for verb, reply in expected.items():
            if harness.store.renews or verb not in ("renew", "behind"):
                harness.key = new_key()
                _assert_told(harness, verb, state, reply)

    # The answer may be recorded over nothing ------------------------------------------------------

    @pytest.mark.parametrize("state", ["absent", "other expired", "completed expired"])
    def test_without_a_known_limit_an_answer_is_recorded_over_nothing(
        self, harness: StoreHarness, state: str
    ) -> None:
        planted(harness, state)
        completion = completion_of(harness.key, 0)._replace(not_after=None)
        assert isinstance(harness.store.complete(completion), Applied)
        stored = harness.stored()
        assert stored is not None
        assert stored.data == completion.data

    def test_a_strict_answer_is_never_recorded_over_nothing(self, harness: StoreHarness) -> None:
        completion = completion_of(harness.key, 0)._replace(not_after=None, strict=True)
        assert isinstance(harness.store.complete(completion), Absent)
        assert harness.stored() is None

    # Records come back as they were written -------------------------------------------------------

    @pytest.mark.parametrize(
        ("data", "encoding"),
        [
            (None, None),
            (None, "none"),
            ("", None),
            ('{"text":"Grüße \U0001f600 \\u0000"}', None),
            (b"\x00\xff\x78\x9c", "zlib"),
            ("x" * LARGE, None),
        ],
        ids=["no data", "no body", "empty", "text", "bytes", "large"],
    )
    def test_an_answer_comes_back_as_it_was_written(
        self, harness: StoreHarness, data: str | bytes | None, encoding: str | None
    ) -> None:
        if data is not None and harness.store.max_data is not None:
            data = data[: harness.store.max_data]
        completion = completion_of(harness.key, harness.now())._replace(
            data=data, encoding=encoding
        )
        applied = harness.store.complete(completion)
        written = completion.record(applied.now)
        found = harness.store.read(harness.key)
        conflict = harness.store.claim(claim_of(harness.key, owner=OTHER))
        assert isinstance(found, Conflict)
        assert isinstance(conflict, Conflict)
        assert found.record == conflict.record == written

    @pytest.mark.parametrize("status", [COMPLETED, PARKED])
    def test_a_completion_writes_its_status(self, harness: StoreHarness, status: Status) -> None:
        harness.store.complete(completion_of(harness.key, harness.now())._replace(status=status))
        stored = harness.stored()
        assert stored is not None
        assert stored.status == status

    def test_a_claim_comes_back_as_it_was_written(self, harness: StoreHarness) -> None:
        claim = claim_of(harness.key)
        applied = harness.store.claim(claim)
        found = harness.store.read(harness.key)
        assert isinstance(found, Conflict)
        assert found.record == claim.record(applied.now)

    @pytest.mark.parametrize("steps", [None, STEPS, b"\x78\x00\xff"], ids=["none", "text", "bytes"])
    def test_steps_come_back_as_they_were_written(
        self, harness: StoreHarness, steps: str | bytes | None
    ) -> None:
        claim = claim_of(harness.key)._replace(steps=steps)
        applied = harness.store.claim(claim)
        found = harness.store.read(harness.key)
        assert isinstance(found, Conflict)
        assert found.record == claim.record(applied.now)

    def test_an_attempt_that_gives_up_leaves_its_steps_and_no_lease(
        self, renewing: StoreHarness
    ) -> None:
        claim = claim_of(renewing.key)
        renewing.store.claim(claim)
        applied = renewing.store.renew(claim.given_up())
        stored = renewing.stored()
        assert isinstance(applied, Applied)
        assert stored == claim.given_up().record(applied.now)
        assert stored.given_up
        assert isinstance(
            renewing.store.claim(claim_of(renewing.key, owner=OTHER), stored), Applied
        )

    def test_a_renewal_on_behalf_of_a_dead_attempt_ends_its_lease(
        self, renewing: StoreHarness
    ) -> None:
        claim = claim_of(renewing.key)
        renewing.store.claim(claim)
        ended = claim._replace(lease_ms=-1, revision=claim.revision + 1)
        applied = renewing.store.renew(ended)
        stored = renewing.stored()
        assert isinstance(applied, Applied)
        assert stored == ended.record(applied.now)
        assert not stored.leased(applied.now)
        assert not stored.given_up
        assert isinstance(
            renewing.store.claim(claim_of(renewing.key, owner=OTHER), stored), Applied
        )

    def test_a_write_of_the_same_revision_takes_effect_again(self, renewing: StoreHarness) -> None:
        claim = claim_of(renewing.key)
        renewing.store.claim(claim)
        replies = [renewing.store.renew(claim) for _ in range(2)]
        assert [type(reply) for reply in replies] == [Applied, Applied]

    def test_a_completion_drops_the_steps(self, harness: StoreHarness) -> None:
        harness.store.claim(claim_of(harness.key))
        harness.store.complete(completion_of(harness.key, harness.now()))
        stored = harness.stored()
        assert stored is not None
        assert (stored.steps, stored.revision) == (None, 0)

    def test_a_claim_without_fingerprint_and_scope_comes_back_without(
        self, harness: StoreHarness
    ) -> None:
        harness.store.claim(claim_of(harness.key)._replace(fingerprint=None, scope=None))
        found = harness.store.read(harness.key)
        assert isinstance(found, Conflict)
        assert (found.record.fingerprint, found.record.scope) == (None, None)

    def test_a_claim_is_leased_and_expires_counted_from_the_time_of_the_reply(
        self, harness: StoreHarness
    ) -> None:
        applied = harness.store.claim(claim_of(harness.key))
        stored = harness.stored()
        assert stored is not None
        assert stored.lease_end == applied.now + 30_250
        assert 0 <= stored.expiration * 1000 - (stored.lease_end + 3_600_500) < 1000

    def test_an_answer_expires_counted_from_the_time_of_the_reply(
        self, harness: StoreHarness
    ) -> None:
        applied = harness.store.complete(completion_of(harness.key, harness.now()))
        stored = harness.stored()
        assert stored is not None
        assert 0 <= stored.expiration * 1000 - (applied.now + 3_600_500) < 1000

    def test_verbs_leave_other_keys_alone(self, harness: StoreHarness) -> None:
        record = record_in("own live", f"{harness.key}.", harness.now())
        assert record is not None
        other = harness.plant(record)
        harness.store.claim(claim_of(harness.key))
        harness.store.release(harness.key, ME)
        found = harness.store.read(other.key)
        assert isinstance(found, Conflict)
        assert found.record == other

    # A completion and a claim at once -------------------------------------------------------------

    def test_a_completion_and_a_claim_both_take_effect(self, harness: StoreHarness) -> None:
        other = new_key()
        harness.store.claim(claim_of(harness.key))
        completed, claimed = harness.store.complete_and_claim(
            completion_of(harness.key, harness.now())._replace(data=None, encoding="none"),
            claim_of(other),
        )
        assert (type(completed), type(claimed)) == (Applied, Applied)
        stored = harness.stored()
        assert stored is not None
        assert (stored.status, stored.data, stored.encoding) == (COMPLETED, None, "none")
        assert isinstance(harness.store.read(other), Conflict)

    def test_a_claim_that_meets_a_conflict_leaves_the_completion_alone(
        self, harness: StoreHarness
    ) -> None:
        other = new_key()
        harness.store.claim(claim_of(harness.key))
        harness.store.claim(claim_of(other, owner=OTHER))
        completed, claimed = harness.store.complete_and_claim(
            completion_of(harness.key, harness.now()), claim_of(other)
        )
        assert isinstance(completed, Applied)
        assert isinstance(claimed, Conflict)
        assert claimed.record.owner == OTHER

    def test_a_completion_that_meets_a_conflict_leaves_the_claim_alone(
        self, harness: StoreHarness
    ) -> None:
        harness.store.claim(claim_of(harness.key, owner=OTHER))
        completed, claimed = harness.store.complete_and_claim(
            completion_of(harness.key, harness.now()), claim_of(new_key())
        )
        assert isinstance(completed, Conflict)
        assert isinstance(claimed, Applied)

    # What a store says of itself ------------------------------------------------------------------

    def test_a_store_has_a_name_and_a_label(self, harness: StoreHarness) -> None:
        for name in ("name", "label"):
            found = getattr(harness.store, name)
            assert isinstance(found, str), f"{name} is {found!r}; expected a str"
            assert found, f"{name} is empty"

    def test_the_name_is_the_same_after_a_request(self, harness: StoreHarness) -> None:
        before = harness.store.name
        harness.store.read(harness.key)
        assert harness.store.name == before


class StoreContract(OneCallerContract):
    """The whole contract: with one caller at a time, and with many at once."""

    @pytest.mark.parametrize("state", ["absent", "other orphan", "completed expired"])
    def test_of_many_claims_at_once_one_succeeds(self, harness: StoreHarness, state: str) -> None:
        found = planted(harness, state)
        replies = _at_once(harness, found if state == "other orphan" else None)
        winners = [owner for owner, reply in replies if isinstance(reply, Applied)]
        assert len(winners) == 1
        met = {reply.record.owner for _, reply in replies if isinstance(reply, Conflict)}
        assert met == set(winners)

    def test_of_many_claims_at_once_none_succeeds_against_a_live_lease(
        self, harness: StoreHarness
    ) -> None:
        held = planted(harness, "other live")
        assert {type(reply) for _, reply in _at_once(harness, held)} == {Conflict}
        assert harness.stored() == held


def _assert_told(harness: StoreHarness, verb: str, state: str, expected: type[Reply]) -> None:
    """Ask a verb of a record in this state, and check the reply and what is stored then."""
    found = planted(harness, state)
    before = harness.now()
    reply, written = VERBS[verb](harness, found)
    after = harness.now()
    row = f"{verb}, record {state}"
    assert type(reply) is expected, f"{row}: expected {expected.__name__}, got {reply}"
    assert before <= reply.now <= after, f"{row}: {reply.now} is not in {before} to {after}"
    if isinstance(reply, Conflict):
        assert reply.record == found, f"{row}: expected {found}, got {reply.record}"
    # A write takes effect as a whole, or not at all.
    left = written(reply.now) if isinstance(reply, Applied) else found
    if left is not None and left.expired(reply.now) and not harness.sees_expired:
        left = None
    stored = harness.stored()
    assert stored == left, f"{row}: expected {left} to be stored, found {stored}"


def _at_once(harness: StoreHarness, seen: Record | None) -> list[tuple[str, Reply]]:
    """Send the claims of 32 callers together; return each one's owner and reply."""
    owners = [f"{number:032x}" for number in range(32)]
    start = Barrier(len(owners))

    def claim(owner: str) -> tuple[str, Reply]:
        start.wait()
        return owner, harness.store.claim(claim_of(harness.key, owner=owner), seen)

    with ThreadPoolExecutor(len(owners)) as pool:
        return list(pool.map(claim, owners))
