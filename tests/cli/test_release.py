"""`release` and `park`: conditional on what was seen, and never on a live record by mistake."""

from __future__ import annotations

import time

import pytest

from cdk_idempotency_cli import actions
from cli.conftest import Shop
from lambda_idempotency.protocol.record import Record

pytestmark = pytest.mark.xdist_group("cli")

STEPS = "{}"


def stored(shop: Shop) -> Record:
    """Return the record as the store has it."""
    record = shop.harness.stored()
    assert record is not None
    return record


@pytest.mark.parametrize("status", ["PARKED", "COMPLETED"])
def test_a_record_that_has_ended_is_released(shop: Shop, status: str) -> None:
    shop.plant(status=status)
    assert shop.run("release", shop.key, "--yes").code == 0
    assert shop.harness.stored() is None


def test_an_orphan_is_released(shop: Shop) -> None:
    shop.orphan()
    assert shop.run("release", shop.key, types="y\n").code == 0
    assert shop.harness.stored() is None


def test_nothing_is_done_without_a_yes(shop: Shop) -> None:
    record = shop.orphan()
    ran = shop.run("release", shop.key, types="n\n")
    assert ran.code == 4
    assert "repeats the effect" in ran.err
    assert stored(shop) == record


@pytest.mark.parametrize("command", ["release", "park"])
def test_a_live_record_is_refused(shop: Shop, command: str) -> None:
    record = shop.live()
    ran = shop.run(command, shop.key, "--yes")
    assert ran.code == 4
    assert "is live" in ran.err
    assert stored(shop) == record


@pytest.mark.parametrize("command", ["release", "park"])
@pytest.mark.parametrize("typed", ["", "y", "shop#other"])
def test_force_alone_does_not_change_a_live_record(shop: Shop, command: str, typed: str) -> None:
    record = shop.live()
    ran = shop.run(command, shop.key, "--force", "--yes", f"--confirm={typed}")
    assert ran.code == 4
    assert stored(shop) == record


def test_force_and_the_typed_id_release_a_live_record(shop: Shop) -> None:
    shop.live()
    assert shop.run("release", shop.key, "--force", types=f"{shop.key}\n").code == 0
    assert shop.harness.stored() is None


def test_a_program_gives_the_id_once_more(shop: Shop) -> None:
    shop.live()
    assert shop.run("release", shop.key, "--force", "--confirm", shop.key).code == 0
    assert shop.harness.stored() is None


def test_a_live_record_with_steps_keeps_them_and_counts_as_dead(shop: Shop) -> None:
    record = shop.live(steps=STEPS)
    assert shop.run("release", shop.key, "--force", "--confirm", shop.key).code == 0
    after = stored(shop)
    assert after.steps == STEPS
    assert after.revision == record.revision + 1
    assert 0 < after.lease_end <= time.time() * 1000
    assert not after.given_up


def test_an_orphan_with_steps_needs_no_release(shop: Shop) -> None:
    record = shop.orphan(steps=STEPS)
    ran = shop.run("release", shop.key, "--yes")
    assert ran.code == 4
    assert "--forget-steps" in ran.err
    assert stored(shop) == record


def test_steps_are_forgotten_if_that_is_asked_for(shop: Shop) -> None:
    shop.orphan(steps=STEPS)
    assert shop.run("release", shop.key, "--yes", "--forget-steps").code == 0
    assert shop.harness.stored() is None


CHANGES = {
    "another owner": {"owner": "b" * 32},
    "a later revision": {"revision": 4},
    "a new lease": {"lease_end": int(time.time() * 1000) + 3_600_000},
    "another state": {"status": "PARKED", "lease_end": 0, "revision": 0},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("command", ["release", "park"])
def test_a_record_that_changes_after_it_was_read_is_left_alone(
    shop: Shop, command: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = shop.orphan()
    changed = record._replace(**CHANGES[change])  # type: ignore[arg-type]

    def asked(*_: object, **__: object) -> bool:
        """Take so long to answer that the record changes meanwhile."""
        shop.harness.plant(changed)
        return False

    monkeypatch.setattr(actions, "confirm", asked)
    ran = shop.run(command, shop.key)
    assert ran.code == 4
    assert "has changed" in ran.err
    assert stored(shop) == changed


@pytest.mark.parametrize("change", ["another owner", "a later revision", "another state"])
def test_force_does_not_lift_the_fence(
    shop: Shop, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = shop.live()._replace(**CHANGES[change])  # type: ignore[arg-type]

    def asked(*_: object, **__: object) -> bool:
        shop.harness.plant(changed)
        return True

    monkeypatch.setattr(actions, "confirm", asked)
    assert shop.run("release", shop.key).code == 4
    assert stored(shop) == changed


def test_an_orphan_is_parked_for_two_weeks(shop: Shop) -> None:
    record = shop.orphan(attempt=3)
    assert shop.run("park", shop.key, "--yes").code == 0
    after = stored(shop)
    assert (after.status, after.owner, after.attempt) == ("PARKED", record.owner, 3)
    assert after.fingerprint == record.fingerprint
    assert after.expiration > time.time() + 13 * 24 * 3600


def test_steps_are_not_lost_by_parking_unless_that_is_asked_for(shop: Shop) -> None:
    record = shop.orphan(steps=STEPS)
    ran = shop.run("park", shop.key, "--yes")
    assert ran.code == 4
    assert "--forget-steps" in ran.err
    assert stored(shop) == record
    assert shop.run("park", shop.key, "--yes", "--forget-steps").code == 0
    assert stored(shop).steps is None


def test_the_attempt_that_runs_on_may_still_record_its_answer(shop: Shop) -> None:
    from kit.redis.access import completion

    shop.live()
    assert shop.run("park", shop.key, "--force", "--confirm", shop.key).code == 0
    shop.harness.store.complete(completion(shop.key))
    assert stored(shop).status == "COMPLETED"


@pytest.mark.parametrize("status", ["PARKED", "COMPLETED"])
def test_what_has_ended_is_not_parked(shop: Shop, status: str) -> None:
    record = shop.plant(status=status)
    assert shop.run("park", shop.key, "--yes").code == 4
    assert stored(shop) == record


def test_a_record_that_is_gone_cannot_be_released(shop: Shop) -> None:
    assert shop.run("release", shop.key, "--yes").code == 3
