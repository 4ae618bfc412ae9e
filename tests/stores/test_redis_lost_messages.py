"""Commands and replies lost on the way to Redis: whichever is lost, a call takes effect once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from kit.aws.local import LocalAws
from kit.harnesses import RedisHarness
from kit.redis.access import DAY, ME, VERBS, Access, claim
from kit.redis.binaries import VERSIONS, binary_of
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer, connect, until
from lambda_idempotency.drivers.sync import drive
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.machine import run_once
from lambda_idempotency.protocol.record import COMPLETED, Completion
from lambda_idempotency.protocol.steps import (
    Call,
    Executed,
    Outcome,
    Raised,
    Replayed,
    Returned,
    Unavailable,
)
from lambda_idempotency.stores.base import Store
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.testing.store_harness import new_key

OTHER = "b" * 32


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """Yield a server of each version."""
    with RedisServer(binary=binary_of(request.param)) as server:
        yield server


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[RedisProxy]:
    """Yield a proxy between a store and the server."""
    with RedisProxy(server.plain_port) as proxy:
        yield proxy


@pytest.fixture
def harness(server: RedisServer) -> Iterator[RedisHarness]:
    """Yield the store on the other side of the proxy, which loses nothing."""
    with server.admin() as admin:
        yield RedisHarness(admin, admin)


class Caller:
    """A caller that makes calls through the proxy; `attempts` lists its runs."""

    def __init__(self, key: str, store: Store) -> None:
        self.attempts: list[int] = []
        self.store = store
        self._key = key

    def warmed(self, proxy: RedisProxy) -> Caller:
        """Return the caller itself, connected to a server that knows the scripts."""
        for verb in VERBS:
            VERBS[verb](self.store, new_key())
        proxy.forget()
        return self

    def call(self, *, error: Exception | None = None, **options: Any) -> Outcome:
        """Return the outcome of one call."""

        def run(step: Any) -> Returned:
            self.attempts.append(step.attempt)
            if error is not None:
                raise error
            return Returned("answer", '"answer"')

        call: dict[str, Any] = {"owner": ME, "lease_ms": 30_000, "expires_after_ms": DAY, **options}
        return drive(
            run_once(Call(key=self._key, **call)),
            key=self._key,
            store=self.store,
            run=run,
            remaining=lambda: 10_000,
            sleep=time.sleep if options.get("wait_ms") else lambda _: None,
        )


def _orphan(harness: RedisHarness) -> None:
    harness.plant(claim(harness.key, owner=OTHER).record(harness.now() - 60_000))


def _completed(harness: RedisHarness) -> Replayed:
    """Return the answer that a duplicate of a completed call gets."""
    harness.store.complete(
        Completion(key=harness.key, owner=OTHER, attempt=1, expires_after_ms=DAY, data='"first"')
    )
    stored = harness.stored()
    assert stored is not None
    return Replayed(stored)


def _lose(proxy: RedisProxy, lost: str, *numbers: int) -> None:
    (proxy.lose_reply if lost == "reply" else proxy.lose_request)(*numbers)


def _has_answer(harness: RedisHarness) -> bool:
    stored = harness.stored()
    return stored is not None and (stored.status, stored.data) == (COMPLETED, '"answer"')


_EACH_LOSS = pytest.mark.parametrize("lost", ["request", "reply"])

# The runtime's own client -------------------------------------------------------------------------


@pytest.fixture
def access(local_aws: LocalAws, server: RedisServer, proxy: RedisProxy) -> Iterator[Access]:
    """Yield the way to the server through the proxy."""
    with Access(local_aws) as access:
        credentials = access.add_user(server, "password")
        access.publish(server.settings(port=proxy.port, credentials=credentials))
        yield access


@pytest.fixture
def retrying(access: Access, proxy: RedisProxy, harness: RedisHarness) -> Caller:
    """Return a caller with the runtime's client, which sends again what was lost."""
    return Caller(harness.key, RedisStore(access.client())).warmed(proxy)


def test_without_losses_a_call_is_two_commands(
    proxy: RedisProxy, harness: RedisHarness, retrying: Caller
) -> None:
    assert retrying.call() == Executed("answer")
    assert proxy.commands == ["EVALSHA"] * 2


@_EACH_LOSS
@pytest.mark.parametrize("losses", [1, 2, 3])
def test_a_claim_that_is_lost_runs_once(
    proxy: RedisProxy, harness: RedisHarness, retrying: Caller, lost: str, losses: int
) -> None:
    # Each try but the first is on a new connection, which authenticates.
    _lose(proxy, lost, *range(1, 2 * losses, 2))
    assert retrying.call() == Executed("answer")
    assert retrying.attempts == [1]
    assert proxy.commands == ["EVALSHA", *["AUTH", "EVALSHA"] * losses, "EVALSHA"]
    assert _has_answer(harness)


@_EACH_LOSS
@pytest.mark.parametrize("losses", [1, 2, 3])
def test_a_completion_that_is_lost_is_done(
    proxy: RedisProxy, harness: RedisHarness, retrying: Caller, lost: str, losses: int
) -> None:
    _lose(proxy, lost, *range(2, 2 * losses + 1, 2))
    assert retrying.call() == Executed("answer")
    assert proxy.commands == ["EVALSHA"] * 2 + ["AUTH", "EVALSHA"] * losses
    assert _has_answer(harness)


def test_a_completion_whose_reply_was_lost_has_not_lost_its_lease(
    proxy: RedisProxy, retrying: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.lose_reply(2)
    assert retrying.call() == Executed("answer")
    assert caplog.text == ""


@_EACH_LOSS
def test_a_release_that_is_lost_is_done(
    proxy: RedisProxy, harness: RedisHarness, retrying: Caller, lost: str
) -> None:
    _lose(proxy, lost, 2)
    error = ValueError()
    assert retrying.call(error=error) == Raised(error)
    assert proxy.commands == ["EVALSHA"] * 2 + ["AUTH", "EVALSHA"]
    assert harness.stored() is None


@_EACH_LOSS
def test_a_take_over_that_is_lost_runs_once(
    proxy: RedisProxy, harness: RedisHarness, retrying: Caller, lost: str
) -> None:
    _orphan(harness)
    _lose(proxy, lost, 2)
    assert retrying.call() == Executed("answer")
    assert retrying.attempts == [2]
    assert _has_answer(harness)


@_EACH_LOSS
def test_a_duplicate_that_is_lost_is_answered(
    proxy: RedisProxy, harness: RedisHarness, retrying: Caller, lost: str
) -> None:
    finished = _completed(harness)
    _lose(proxy, lost, 1)
    assert retrying.call() == finished
    assert retrying.attempts == []


@_EACH_LOSS
def test_a_look_at_somebody_elses_attempt_that_is_lost_is_repeated(
    proxy: RedisProxy, harness: RedisHarness, retrying: Caller, lost: str
) -> None:
    held = claim(harness.key, owner=OTHER)._replace(lease_ms=300, fingerprint=None, scope=None)
    harness.store.claim(held)
    _lose(proxy, lost, 2)
    assert retrying.call(wait_ms=5_000) == Executed("answer")
    assert retrying.attempts == [2]


@_EACH_LOSS
@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_is_lost_while_a_connection_opens_runs_once(
    access: Access, proxy: RedisProxy, harness: RedisHarness, lost: str, number: int
) -> None:
    """AUTH, the claim that the server does not know, and the full claim may be lost."""
    harness.admin.script_flush()
    caller = Caller(harness.key, RedisStore(access.client()))
    _lose(proxy, lost, number)
    assert caller.call() == Executed("answer")
    assert caller.attempts == [1]
    assert _has_answer(harness)


# A client that sends once -------------------------------------------------------------------------


@pytest.fixture
def single(server: RedisServer, proxy: RedisProxy, harness: RedisHarness) -> Iterator[Caller]:
    """Yield a caller whose client sends each command once."""
    with connect(proxy.port, password=server.admin_password) as client:
        yield Caller(harness.key, RedisStore(client)).warmed(proxy)


def _verbs(proxy: RedisProxy) -> int:
    return proxy.commands.count("EVALSHA")


@_EACH_LOSS
def test_a_claim_of_unknown_outcome_runs_nothing_and_frees_the_key(
    proxy: RedisProxy, harness: RedisHarness, single: Caller, lost: str
) -> None:
    _lose(proxy, lost, 1)
    outcome = single.call()
    assert isinstance(outcome, Unavailable)
    assert isinstance(outcome.error, StoreError)
    assert single.attempts == []
    assert _verbs(proxy) == 2
    assert harness.stored() is None


@_EACH_LOSS
def test_failing_open_runs_once_and_records_the_answer(
    proxy: RedisProxy, harness: RedisHarness, single: Caller, lost: str
) -> None:
    _lose(proxy, lost, 1)
    assert single.call(fail_open=True) == Executed("answer")
    assert single.attempts == [1]
    assert _has_answer(harness)


def test_an_answer_is_recorded_by_the_protocols_own_retry(
    proxy: RedisProxy, harness: RedisHarness, single: Caller
) -> None:
    proxy.lose_request(2)
    proxy.lose_reply(4)  # AUTH is the third
    assert single.call() == Executed("answer")
    assert _verbs(proxy) == 4
    assert _has_answer(harness)


@_EACH_LOSS
@pytest.mark.parametrize("verb", VERBS)
def test_a_lost_verb_is_named(
    proxy: RedisProxy, harness: RedisHarness, single: Caller, verb: str, lost: str
) -> None:
    _lose(proxy, lost, 1)
    with pytest.raises(StoreError, match=f"Redis {verb} of {harness.key} failed"):
        VERBS[verb](single.store, harness.key)


# Late commands ------------------------------------------------------------------------------------


def test_a_claim_that_arrives_after_its_call_gave_up_is_taken_over(
    server: RedisServer, proxy: RedisProxy, harness: RedisHarness
) -> None:
    with connect(proxy.port, password=server.admin_password, socket_timeout=0.2) as client:
        caller = Caller(harness.key, RedisStore(client)).warmed(proxy)
        proxy.hold(1)
        assert isinstance(caller.call(lease_ms=300), Unavailable)
        assert caller.attempts == []
        proxy.release()
        until(harness.stored, "the claim has arrived")
        assert caller.call(owner=OTHER, wait_ms=5_000) == Executed("answer")
    assert caller.attempts == [2]
    assert _has_answer(harness)
