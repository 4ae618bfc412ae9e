"""The outcome of a call whose handler raises, or whose store fails."""

from __future__ import annotations

import logging
from typing import Any, Final

import pytest

from kit.clocks import ManualClock
from lambda_idempotency import (
    InProgressError,
    MemoryStore,
    Store,
    StoreError,
    current,
    idempotent,
)
from lambda_idempotency.errors import ConfigurationError
from lambda_idempotency.protocol.record import Claim, Completion, Record, Reply

EVENT: Final[dict[str, Any]] = {"order_id": 7}

# Errors of a store that is down, and of one that has a bug.
OUTAGES: Final = [StoreError("unreachable"), ConnectionError("reset"), RuntimeError("a bug")]


class FailingStore(MemoryStore):
    """A store that raises at the verbs in `failing`, as often as told; `sent` counts requests."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.failing: dict[str, int] = {}
        self.error: Exception = OUTAGES[0]
        self.sent: list[str] = []

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        self._send("claim")
        return super().claim(claim, seen)

    def complete(self, completion: Completion) -> Reply:
        self._send("complete")
        return super().complete(completion)

    def release(self, key: str, owner: str) -> Reply:
        self._send("release")
        return super().release(key, owner)

    def read(self, key: str) -> Reply:
        self._send("read")
        return super().read(key)

    def _send(self, verb: str) -> None:
        self.sent.append(verb)
        left = self.failing.get(verb, 0)
        if left > 0:
            self.failing[verb] = left - 1
            raise self.error


class Context:
    """A Lambda context."""

    def __init__(self, remaining: int) -> None:
        self._remaining = remaining

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining


ALWAYS: Final = 1_000


@pytest.fixture
def failing(clock: ManualClock) -> FailingStore:
    return FailingStore(clock)


def ran(event: Any, context: Any) -> str:
    return "ran"


def never(event: Any, context: Any) -> None:
    pytest.fail("the handler ran")


def only_once() -> Any:
    """Return a handler that may run once."""
    runs = iter(["ran"])
    return lambda event, context: next(runs)


# The handler raises -------------------------------------------------------------------------------

ERRORS: Final = [ValueError("x"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()]
raising = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


def fail_once(error: BaseException) -> Any:
    """Return a handler whose first run raises."""
    errors = [error]

    def handler(event: Any, context: Any) -> Any:
        if errors:
            raise errors.pop()
        return current().attempt

    return handler


@raising
def test_the_caller_gets_the_very_error_that_the_handler_raised(
    store: MemoryStore, error: BaseException
) -> None:
    with pytest.raises(type(error)) as raised:
        idempotent(store=store)(fail_once(error))(EVENT, None)
    assert raised.value is error


@raising
def test_a_retry_after_an_error_runs_at_once_as_a_first_attempt(
    store: MemoryStore, error: BaseException
) -> None:
    handler = idempotent(store=store)(fail_once(error))
    with pytest.raises(type(error)):
        handler(EVENT, None)
    assert handler(EVENT, None) == 1


@pytest.mark.parametrize("outage", OUTAGES, ids=repr)
@raising
def test_a_failing_release_does_not_hide_the_error(
    failing: FailingStore, error: BaseException, outage: Exception
) -> None:
    failing.failing["release"], failing.error = ALWAYS, outage
    with pytest.raises(type(error)) as raised:
        idempotent(store=failing)(fail_once(error))(EVENT, None)
    assert raised.value is error


def test_a_key_that_could_not_be_released_is_free_when_its_lease_has_ended(
    failing: FailingStore, clock: ManualClock
) -> None:
    failing.failing["release"] = 1
    handler = idempotent(store=failing, lease=10)(fail_once(ValueError("x")))
    with pytest.raises(ValueError, match="x"):
        handler(EVENT, Context(8_000))
    with pytest.raises(InProgressError):
        handler(EVENT, Context(8_000))
    clock.advance(10)
    assert handler(EVENT, Context(8_000)) == 2


# The store fails before the handler runs ----------------------------------------------------------


@pytest.mark.parametrize("outage", OUTAGES, ids=repr)
def test_a_failing_claim_fails_the_call(failing: FailingStore, outage: Exception) -> None:
    failing.failing["claim"], failing.error = ALWAYS, outage
    with pytest.raises(StoreError):
        idempotent(store=failing)(never)(EVENT, None)


def test_an_error_that_the_store_names_itself_is_passed_on(failing: FailingStore) -> None:
    failing.failing["claim"] = ALWAYS
    with pytest.raises(StoreError) as raised:
        idempotent(store=failing)(never)(EVENT, None)
    assert raised.value is failing.error


def test_another_error_of_the_store_is_the_cause(failing: FailingStore) -> None:
    failing.failing["claim"], failing.error = ALWAYS, ConnectionError("reset")
    with pytest.raises(StoreError, match="ConnectionError") as raised:
        idempotent(store=failing)(never)(EVENT, None)
    assert raised.value.__cause__ is failing.error


def test_a_claim_whose_reply_was_lost_does_not_block_the_retry(clock: ManualClock) -> None:
    class LosesOneReply(MemoryStore):
        lost = False

        def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
            reply = super().claim(claim, seen)
            if not self.lost:
                self.lost = True
                raise TimeoutError
            return reply

    handler = idempotent(store=LosesOneReply(clock))(ran)
    with pytest.raises(StoreError):
        handler(EVENT, None)
    assert handler(EVENT, None) == "ran"


def test_a_failing_read_while_waiting_fails_the_call(
    failing: FailingStore, slept: list[float]
) -> None:
    @idempotent(store=failing, on_in_progress="wait", fail_open=True)
    def handler(event: Any, context: Any) -> str:
        failing.failing["read"] = ALWAYS
        with pytest.raises(StoreError):
            handler(event, context)
        return "ran"

    assert handler(EVENT, None) == "ran"


@pytest.mark.parametrize("outage", OUTAGES, ids=repr)
def test_fail_open_runs_although_the_store_fails(failing: FailingStore, outage: Exception) -> None:
    failing.failing["claim"], failing.error = ALWAYS, outage
    assert idempotent(store=failing, fail_open=True)(ran)(EVENT, None) == "ran"


def test_fail_open_still_records_the_answer(failing: FailingStore) -> None:
    failing.failing["claim"] = 1
    handler = idempotent(store=failing, fail_open=True)(only_once())
    assert (handler(EVENT, None), handler(EVENT, None)) == ("ran", "ran")


def test_fail_open_still_raises_what_the_handler_raised(failing: FailingStore) -> None:
    failing.failing["claim"] = ALWAYS
    with pytest.raises(ValueError, match="x"):
        idempotent(store=failing, fail_open=True)(fail_once(ValueError("x")))(EVENT, None)


# The store fails after the handler has run --------------------------------------------------------


@pytest.mark.parametrize("outage", OUTAGES, ids=repr)
def test_a_failing_completion_does_not_lose_the_result(
    failing: FailingStore, slept: list[float], outage: Exception
) -> None:
    failing.failing["complete"], failing.error = ALWAYS, outage
    assert idempotent(store=failing)(ran)(EVENT, None) == "ran"


def test_a_completion_is_sent_again_until_it_succeeds(
    failing: FailingStore, slept: list[float]
) -> None:
    failing.failing["complete"] = 3
    handler = idempotent(store=failing)(only_once())
    assert (handler(EVENT, None), handler(EVENT, None)) == ("ran", "ran")
    assert len(slept) == 3


def test_a_completion_is_not_sent_again_where_no_time_is_left(
    failing: FailingStore, slept: list[float]
) -> None:
    failing.failing["complete"] = ALWAYS
    assert idempotent(store=failing)(ran)(EVENT, Context(50)) == "ran"
    assert (failing.sent.count("complete"), slept) == (1, [])


def test_a_call_without_a_recorded_answer_is_never_released(
    failing: FailingStore, slept: list[float]
) -> None:
    failing.failing["complete"] = ALWAYS
    idempotent(store=failing)(ran)(EVENT, None)
    assert "release" not in failing.sent


def test_a_completion_that_failed_is_a_warning(
    failing: FailingStore, slept: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    failing.failing["complete"] = ALWAYS
    idempotent(store=failing)(ran)(EVENT, None)
    assert [record.getMessage().split()[0] for record in caplog.records] == ["CompletionFailed"]


def test_a_call_that_goes_well_warns_of_nothing(
    failing: FailingStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        idempotent(store=failing)(ran)(EVENT, None)
    assert caplog.records == []


@pytest.mark.parametrize("reply", [None, "done", 0])
def test_a_reply_that_makes_no_sense_does_not_lose_the_result(
    clock: ManualClock, reply: Any
) -> None:
    class Confused(MemoryStore):
        def complete(self, completion: Completion) -> Any:
            return reply

    assert idempotent(store=Confused(clock))(ran)(EVENT, None) == "ran"


@pytest.mark.parametrize("missing", ["name", "claim", "complete", "release", "read"])
def test_a_store_that_lacks_a_member_cannot_be_made(missing: str) -> None:
    members = {"name", "claim", "complete", "release", "read"} - {missing}
    partial = type("Partial", (Store,), dict.fromkeys(members))
    with pytest.raises(TypeError, match=missing):
        partial()


def test_what_is_no_store_is_refused_where_it_is_applied() -> None:
    members = ("name", "claim", "complete", "release", "read", "max_data")
    store: Any = type("Lookalike", (), dict.fromkeys(members))()
    with pytest.raises(
        ConfigurationError, match=r"store is a Lookalike; .* subclass of lambda_idempotency\.Store"
    ):
        idempotent(store=store, namespace="ns")


def test_a_class_in_the_place_of_a_store_is_refused_where_it_is_applied() -> None:
    store: Any = MemoryStore
    with pytest.raises(
        ConfigurationError,
        match=r"store is the class MemoryStore; expected an object, such as MemoryStore\(",
    ):
        idempotent(store=store)
