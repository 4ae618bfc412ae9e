"""The Redis store on a server that is full, and on one that makes room by eviction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kit.harnesses import RedisHarness
from kit.redis.access import DATA, DAY, ME, VERBS, WRITES, claim, completion
from kit.redis.binaries import VERSIONS, binary_of
from kit.redis.servers import RedisServer
from lambda_idempotency.drivers.sync import drive
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.machine import run_once
from lambda_idempotency.protocol.record import Absent, Applied, Conflict
from lambda_idempotency.protocol.steps import Call, Executed, Outcome, Returned, Unavailable
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.testing.store_harness import new_key


@pytest.fixture(params=VERSIONS)
def own_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server of each version in turn, which the test may spoil."""
    with RedisServer(binary=binary_of(request.param)) as server:
        yield server


@pytest.fixture
def own_world(own_server: RedisServer) -> Iterator[RedisHarness]:
    """A store on it."""
    with own_server.admin() as admin:
        yield RedisHarness(admin, admin)


# A full server ------------------------------------------------------------------------------------


def _fill(harness: RedisHarness) -> None:
    """From now on the server refuses whatever takes memory."""
    harness.admin.config_set("maxmemory", "1")


@pytest.mark.parametrize("verb", WRITES)
def test_a_full_server_takes_no_new_record(own_world: RedisHarness, verb: str) -> None:
    _fill(own_world)
    with pytest.raises(StoreError, match=r"The server is full: raise its maxmemory") as raised:
        VERBS[verb](own_world.store, own_world.key)
    assert own_world.key in str(raised.value)
    assert own_world.stored() is None


def test_a_full_server_takes_the_answer_of_who_holds_the_key(own_world: RedisHarness) -> None:
    own_world.store.claim(claim(own_world.key))
    _fill(own_world)
    assert isinstance(own_world.store.complete(completion(own_world.key)), Applied)
    stored = own_world.stored()
    assert stored is not None
    assert (stored.status, stored.data) == ("COMPLETED", DATA)
    assert own_world.admin.pttl(own_world.key) > 0


def test_a_full_server_lets_a_dead_attempt_be_taken_over(own_world: RedisHarness) -> None:
    orphan = claim(own_world.key).record(own_world.now() - 60_000)
    own_world.plant(orphan)
    _fill(own_world)
    successor = claim(own_world.key, owner="b" * 32, attempt=2)
    assert isinstance(own_world.store.claim(successor, orphan), Applied)


def test_a_full_server_still_reads_and_releases(own_world: RedisHarness) -> None:
    own_world.store.claim(claim(own_world.key))
    _fill(own_world)
    assert isinstance(own_world.store.read(own_world.key), Conflict)
    assert isinstance(own_world.store.release(own_world.key, ME), Applied)
    assert own_world.stored() is None


def _call(harness: RedisHarness, run: Callable[[], None]) -> Outcome:
    def ran(_: Any) -> Returned:
        run()
        return Returned("answer", '"answer"')

    return drive(
        run_once(Call(key=harness.key, owner=ME, lease_ms=30_000, expires_after_ms=DAY)),
        key=harness.key,
        store=harness.store,
        run=ran,
        remaining=lambda: 3_000,
        sleep=lambda _: None,
    )


def test_a_call_on_a_full_server_runs_nothing(own_world: RedisHarness) -> None:
    runs: list[None] = []
    _fill(own_world)
    outcome = _call(own_world, lambda: runs.append(None))
    assert isinstance(outcome, Unavailable)
    assert isinstance(outcome.error, StoreError)
    assert runs == []


def test_a_call_whose_record_was_lost_to_a_full_server_still_answers(
    own_world: RedisHarness, caplog: pytest.LogCaptureFixture
) -> None:
    def lose() -> None:
        own_world.admin.delete(own_world.key)
        _fill(own_world)

    assert _call(own_world, lose) == Executed("answer")
    assert "CompletionFailed" in caplog.text


def test_a_call_during_which_the_server_fills_up_is_recorded(
    own_world: RedisHarness, caplog: pytest.LogCaptureFixture
) -> None:
    assert _call(own_world, lambda: _fill(own_world)) == Executed("answer")
    assert "CompletionFailed" not in caplog.text
    stored = own_world.stored()
    assert stored is not None
    assert stored.data == '"answer"'


# A server that evicts -----------------------------------------------------------------------------


def _warnings(caplog: pytest.LogCaptureFixture) -> int:
    return sum(
        "EvictionPossible" in record.message and record.levelno == logging.WARNING
        for record in caplog.records
    )


@pytest.mark.parametrize(
    ("policy", "warnings"),
    [("noeviction", 0), ("allkeys-lru", 1), ("volatile-ttl", 1), ("volatile-random", 1)],
)
def test_a_server_that_may_evict_records_is_warned_of_once(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture, policy: str, warnings: int
) -> None:
    with own_server.admin() as admin:
        admin.config_set("maxmemory-policy", policy)
        harness = RedisHarness(admin, admin)
        for verb in VERBS:
            VERBS[verb](harness.store, harness.key)
    assert _warnings(caplog) == warnings


def test_who_may_not_ask_for_the_policy_is_warned_of_nothing(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with own_server.admin() as admin:
        admin.config_set("maxmemory-policy", "allkeys-lru")
        admin.execute_command("ACL", "SETUSER", "default", "-info")
        assert isinstance(RedisStore(admin).read(new_key()), Absent)
    assert _warnings(caplog) == 0
