"""Deployed functions run once for each key, and each prop changes what they do."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from kit.aws.deployed import Deployed
from kit.aws.local import ROOT

pytestmark = pytest.mark.xdist_group("deployed")

IN_PROGRESS = "is in progress; retry later"


@pytest.fixture
def request_id() -> str:
    return uuid4().hex


def test_a_duplicate_gets_the_first_answer(deployed: Deployed, request_id: str) -> None:
    event = {"id": request_id, "amount": 1}
    first = deployed.invoke("Default", event)
    assert first.error is None
    assert deployed.invoke("Default", event) == first
    assert deployed.effects(request_id) == 1


def test_another_request_runs(deployed: Deployed, request_id: str) -> None:
    other = uuid4().hex
    first = deployed.invoke("Default", {"id": request_id, "amount": 1})
    assert deployed.invoke("Default", {"id": other, "amount": 1}) != first
    assert (deployed.effects(request_id), deployed.effects(other)) == (1, 1)


def test_the_runtime_comes_from_the_layer(deployed: Deployed, request_id: str) -> None:
    answer = deployed.invoke("Default", {"id": request_id, "amount": 1}).payload
    assert "/python/lambda_idempotency/" in answer["package"]
    assert str(ROOT) not in answer["package"]
    assert "site-packages" not in answer["package"]


def test_duplicates_at_once_have_one_effect(deployed: Deployed, request_id: str) -> None:
    event = {"id": request_id, "amount": 1}
    results = deployed.at_once("Default", [event] * 10)
    answer = deployed.answer("Default", event)
    assert all(result.payload == answer for result in results if result.error is None)
    assert all(IN_PROGRESS in result.error for result in results if result.error is not None)
    assert deployed.effects(request_id) == 1


def test_the_same_key_in_another_function_is_another_request(
    deployed: Deployed, request_id: str
) -> None:
    event = {"id": request_id, "amount": 1}
    records = {deployed.answer(name, event)["record"] for name in ("Default", "Wait", "Away")}
    assert {record.split("#")[0] for record in records} == {"E2E/Default", "E2E/Wait", "away"}
    assert deployed.effects(request_id) == 3


def test_a_function_in_another_stack_is_idempotent(deployed: Deployed, request_id: str) -> None:
    event = {"id": request_id, "amount": 1}
    assert deployed.answer("Away", event) == deployed.answer("Away", event)
    assert deployed.effects(request_id) == 1


def test_a_tampered_payload_is_refused(deployed: Deployed, request_id: str) -> None:
    deployed.answer("Default", {"id": request_id, "amount": 1})
    refused = deployed.invoke("Default", {"id": request_id, "amount": 1000})
    assert "belongs to a request with the same key and another payload" in str(refused.error)
    assert deployed.effects(request_id) == 1


@pytest.mark.parametrize("event", [{}, {"id": None}, {"id": ""}])
def test_a_missing_key_is_rejected(deployed: Deployed, event: dict[str, str | None]) -> None:
    assert "The key is missing from the event" in str(deployed.invoke("Default", event).error)


def test_bypass_runs_an_event_without_a_key(deployed: Deployed) -> None:
    first, second = (deployed.invoke("Bypass", {"amount": 1}) for _ in range(2))
    assert first.payload["receipt"] != second.payload["receipt"]


def test_a_failed_handler_can_be_retried_at_once(deployed: Deployed, request_id: str) -> None:
    event = {"id": request_id, "amount": 1}
    assert deployed.invoke("Default", {**event, "raise_once": True}).error == "asked to"
    assert deployed.invoke("Default", event).error is None


def test_a_killed_attempt_is_taken_over_when_its_lease_ends(
    deployed: Deployed, request_id: str
) -> None:
    event = {"id": request_id, "amount": 1, "die_in_attempt": 1}
    assert deployed.invoke("Default", event).error is not None
    assert IN_PROGRESS in str(deployed.invoke("Default", event).error)
    answer = deployed.answer("Default", event)
    assert answer["attempt"] == 2
    assert deployed.answer("Default", event) == answer
    assert deployed.effects(request_id) == 1


def test_an_attempt_killed_at_its_timeout_is_recovered_by_the_next(
    deployed: Deployed, request_id: str
) -> None:
    event = {"id": request_id, "amount": 1, "sleep_in_first_attempt": 30}
    assert "timed out" in str(deployed.invoke("Default", event).error)
    answer = deployed.answer("Default", event)
    assert answer["attempt"] == 2
    # The effect came before the kill, and so it repeats: downstream keys exist for this.
    assert deployed.effects(request_id) == 2


def test_a_downstream_key_is_the_same_in_every_attempt_and_another_elsewhere(
    deployed: Deployed, request_id: str
) -> None:
    deployed.invoke("Default", {"id": request_id, "amount": 1, "raise_once": True})
    deployed.answer("Default", {"id": request_id, "amount": 1})
    deployed.answer("Wait", {"id": request_id, "amount": 1})
    first, second, elsewhere = deployed.downstream_keys(request_id)
    assert len({first, second, elsewhere}) == 2


def test_an_expired_answer_is_forgotten(deployed: Deployed, request_id: str) -> None:
    event = {"id": request_id, "amount": 1}
    first = deployed.answer("ShortExpiry", event)
    deployed.until("ShortExpiry", event, lambda result: result.payload != first)
    assert deployed.effects(request_id) == 2
    # The emulator deletes nothing by TTL: the expired record was there, and counted as absent.


def test_an_answer_is_kept_for_a_day_by_default(deployed: Deployed, request_id: str) -> None:
    record = deployed.answer("Default", {"id": request_id, "amount": 1})["record"]
    [item] = [item for item in deployed.records("Default") if item["id"]["S"] == record]
    assert 86_000 < int(item["expiration"]["N"]) - time.time() <= 86_401


def test_the_lease_prop_reaches_the_record(deployed: Deployed, request_id: str) -> None:
    before = {item["id"]["S"] for item in deployed.records("LongLease")}
    deployed.invoke("LongLease", {"id": request_id, "amount": 1, "die_in_attempt": 1})
    [item] = [item for item in deployed.records("LongLease") if item["id"]["S"] not in before]
    lease_end = int(item["in_progress_expiration"]["N"]) / 1000
    assert 500 < lease_end - time.time() <= 600


def test_wait_answers_a_duplicate_with_the_first_answer(
    deployed: Deployed, request_id: str
) -> None:
    event = {"id": request_id, "amount": 1, "sleep_in_first_attempt": 0.5}
    deployed.at_once("Wait", [{"id": uuid4().hex, "amount": 1}] * 2)  # warm
    first, second = deployed.at_once("Wait", [event] * 2)
    assert first.error is None
    assert second == first
    assert deployed.effects(request_id) == 1


def test_wait_gives_up_after_its_timeout(deployed: Deployed, request_id: str) -> None:
    event = {"id": request_id, "amount": 1, "die_in_attempt": 1}
    deployed.invoke("ShortWait", event)
    assert IN_PROGRESS in str(deployed.invoke("ShortWait", event).error)


def test_too_many_dead_attempts_park_the_key(deployed: Deployed, request_id: str) -> None:
    event = {"id": request_id, "amount": 1, "die_in_attempt": 5}
    deployed.invoke("Park", event)
    parked = deployed.until("Park", event, lambda result: IN_PROGRESS not in str(result.error))
    assert "is parked: 1 attempts left no answer" in str(parked.error)
    assert deployed.invoke("Park", event) == parked
    assert deployed.effects(request_id) == 0


def test_key_and_fingerprint_can_be_set_for_one_function(
    deployed: Deployed, request_id: str
) -> None:
    event = {"id": "ignored", "other": {"id": request_id, "amount": 1}}
    first = deployed.answer("OtherKey", event)
    assert deployed.answer("OtherKey", {**event, "id": "also ignored"}) == first
    event["other"] = {"id": request_id, "amount": 2}
    assert "another payload" in str(deployed.invoke("OtherKey", event).error)


def test_a_whole_payload_can_be_the_key(deployed: Deployed, request_id: str) -> None:
    first = deployed.answer("WholePayload", {"id": request_id, "amount": 1})
    assert deployed.answer("WholePayload", {"amount": 1.0, "id": request_id}) == first
    assert deployed.answer("WholePayload", {"id": request_id, "amount": 2}) != first
