"""The line of the log for each event that went wrong says why, in words that hold no payload."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import redis

from kit.clocks import ManualClock
from kit.network.processes import free_port
from lambda_idempotency import DynamoDBStore, MemoryStore, RedisStore, StoreError, idempotent
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.renewing import Loaded, Renewing
from lambda_idempotency.clients.net.waiting import BLOCKING, Waits, run
from lambda_idempotency.protocol.machine import run_once
from lambda_idempotency.protocol.record import Applied, Claim, Completion, Record, Reply
from lambda_idempotency.protocol.steps import Call, Emit, LeaseExpired

REFUSED = StoreError("the store said no", code="AccessDeniedException", host="db.test")


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 3000


class Faulty(MemoryStore):
    """A store of which some verbs fail."""

    def __init__(self, clock: ManualClock, **errors: Exception) -> None:
        super().__init__(clock)
        self._errors = errors

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        return self._answer("claim", super().claim(claim, seen))

    def complete(self, completion: Completion) -> Reply:
        return self._answer("complete", super().complete(completion))

    def release(self, key: str, owner: str) -> Reply:
        return self._answer("release", super().release(key, owner))

    def _answer(self, verb: str, reply: Reply) -> Reply:
        if verb in self._errors:
            raise self._errors[verb]
        return reply


@pytest.fixture
def line(caplog: pytest.LogCaptureFixture) -> Callable[[], dict[str, Any]]:
    """Return what the log has of the one line about an event."""
    caplog.set_level(logging.WARNING, logger="lambda_idempotency")

    def found() -> dict[str, Any]:
        [record] = [line for line in caplog.records if hasattr(line, "idempotency_event")]
        fields = {
            name.removeprefix("idempotency_"): value
            for name, value in vars(record).items()
            if name.startswith("idempotency_")
        }
        return {**fields, "text": record.getMessage()}

    return found


Line = Callable[[], dict[str, Any]]


def call(store: Any, handle: Callable[[Any, Any], Any] = lambda event, _: 1, **options: Any) -> Any:
    """Call a handler for the event of one card."""
    handler = idempotent(store=store, namespace="shop", **options)(handle)
    return handler({"card": "4111"}, Context())


def test_a_store_error_says_code_host_attempt_and_time_left(line: Line, clock: ManualClock) -> None:
    with pytest.raises(StoreError):
        call(Faulty(clock, claim=REFUSED))
    found = line()
    key = found.pop("record")
    assert key.startswith("shop#")
    assert found == {
        "event": "StoreError",
        "cause": "the store said no",
        "code": "AccessDeniedException",
        "host": "db.test",
        "attempt": 1,
        "time_left_ms": 3000,
        "text": f"StoreError {key} (attempt 1, 3000 ms left, db.test): the store said no",
    }


def test_fail_open_tells_the_cause_as_well(line: Line, clock: ManualClock) -> None:
    assert call(Faulty(clock, claim=REFUSED), fail_open=True) == 1
    assert line()["cause"] == "the store said no"


def test_a_failed_completion_says_why(line: Line, clock: ManualClock, slept: list[float]) -> None:
    assert call(Faulty(clock, complete=REFUSED)) == 1
    found = line()
    assert (found["event"], found["code"], found["attempt"]) == (
        "CompletionFailed",
        "AccessDeniedException",
        1,
    )


def test_a_failed_release_says_why(line: Line, clock: ManualClock) -> None:
    def fail(event: Any, context: Any) -> None:
        raise ValueError(event["card"])

    with pytest.raises(ValueError, match="4111"):
        call(Faulty(clock, release=REFUSED), fail)
    assert line()["cause"] == "the store said no"


def test_of_an_error_that_is_not_ours_only_the_type_is_told(line: Line, clock: ManualClock) -> None:
    with pytest.raises(StoreError):
        call(Faulty(clock, claim=OSError("card 4111")))
    found = line()
    assert (found["cause"], found["code"]) == ("OSError", "OSError")
    assert "4111" not in str(found)


def test_a_lost_lease_says_who_has_the_record(line: Line, clock: ManualClock) -> None:
    store = MemoryStore(clock)

    def overtaken(event: Any, context: Any) -> int:
        [record] = store.records().values()
        store.put(record._replace(owner="b" * 32, attempt=2))
        return 1

    assert call(store, overtaken) == 1
    found = line()
    assert (found["event"], found["attempt"]) == ("LeaseLost", 1)
    assert found["cause"] == "the record is attempt 2's, and INPROGRESS"


def test_a_lost_lease_says_that_the_record_is_gone(line: Line, clock: ManualClock) -> None:
    store = MemoryStore(clock)

    def outlives(event: Any, context: Any) -> int:
        clock.advance(10 * 24 * 3600)
        return 1

    assert call(store, outlives) == 1
    assert line()["cause"] == "the record is gone"


def test_a_handler_that_could_not_start_in_time_says_so() -> None:
    protocol = run_once(Call("shop#1", "a" * 32, lease_ms=1000, expires_after_ms=5000))
    next(protocol)
    protocol.send(Applied(0))
    protocol.send(None)
    emitted = protocol.send(LeaseExpired())
    assert isinstance(emitted, Emit)
    assert (emitted.metric, emitted.attempt) == ("StoreError", 1)
    assert "ended before the call could start" in str(emitted.why)


def test_an_unreachable_dynamodb_is_named(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with pytest.raises(StoreError):
        call(DynamoDBStore("records"))
    found = line()
    assert (found["code"], found["host"]) == ("ConnectionFailed", f"127.0.0.1:{port}")
    assert "very-secret" not in str(found)


@pytest.mark.parametrize("brought", [False, True], ids=["the runtime's client", "redis-py"])
def test_an_unreachable_redis_is_named_without_its_password(line: Line, *, brought: bool) -> None:
    port = free_port()
    url = f"redis://user:very-secret@127.0.0.1:{port}/0"
    with pytest.raises(StoreError, match=f"127.0.0.1:{port}") as raised:
        call(RedisStore(redis.Redis.from_url(url) if brought else url))
    found = line()
    assert f"127.0.0.1:{port}" in found["host"]
    assert found["code"] in ("ConnectionError", "ConnectionRefusedError")
    assert "very-secret" not in f"{found} {raised.value}"


def test_a_renewal_that_fails_while_the_old_value_is_good_is_told(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def load(_: Waits, __: Deadline) -> Loaded[str]:
        if renewing.known is not None:
            raise StoreError("secret shop could not be read: AccessDenied")
        return Loaded("very-secret", renew_at=clock() + 1)

    renewing = Renewing(load, failures=StoreError, clock=clock, credentials="secret shop")
    for _ in range(2):
        assert run(renewing.current(BLOCKING, Deadline(5))) == "very-secret"
        clock.advance(2)
    assert "cannot be read again, and the old ones are used: secret shop" in caplog.text
    assert "very-secret" not in caplog.text
