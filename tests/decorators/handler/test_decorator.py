"""`@idempotent`: the handler runs once, and every duplicate gets the first answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from kit.clocks import ManualClock
from lambda_idempotency import (
    ConfigurationError,
    FingerprintMismatchError,
    MemoryStore,
    MissingKeyError,
    ResponseUnavailableError,
    current,
    idempotent,
)
from lambda_idempotency.execution import registry
from lambda_idempotency.execution.attempt import Attempt

EVENT: Final[dict[str, Any]] = {"order_id": 7, "amount": 10}


class Handler:
    """A handler that counts its runs, and returns their number or the given answer."""

    def __init__(self, *answer: Any) -> None:
        self.runs = 0
        self._answer = answer

    def __call__(self, event: Any, context: Any) -> Any:
        self.runs += 1
        return self._answer[0] if self._answer else {"run": self.runs}


def test_a_duplicate_gets_the_first_answer(store: MemoryStore) -> None:
    handler = idempotent(store=store)(Handler())
    assert handler(EVENT, None) == handler(EVENT, None) == {"run": 1}


def test_the_handler_runs_once(store: MemoryStore) -> None:
    inner = Handler()
    handler = idempotent(store=store)(inner)
    for _ in range(3):
        handler(EVENT, None)
    assert inner.runs == 1


def test_another_event_runs_on_its_own(store: MemoryStore) -> None:
    handler = idempotent(store=store)(Handler())
    assert handler(EVENT, None) != handler({"order_id": 8}, None)


@pytest.mark.parametrize("answer", [None, 0, "", [], {}, False], ids=repr)
def test_a_falsy_answer_is_an_answer(store: MemoryStore, answer: Any) -> None:
    inner = Handler(answer)
    handler = idempotent(store=store)(inner)
    assert repr(handler(EVENT, None)) == repr(handler(EVENT, None)) == repr(answer)
    assert inner.runs == 1


def test_the_handler_gets_the_event_and_the_context_as_they_are(store: MemoryStore) -> None:
    context = object()

    @idempotent(store=store)
    def handler(event: Any, given: Any) -> bool:
        return event is EVENT and given is context

    assert handler(EVENT, context) is True


def test_the_wrapper_keeps_the_name_and_the_docstring_of_the_handler(store: MemoryStore) -> None:
    @idempotent(store=store)
    def pay(event: Any, context: Any) -> None:
        """Pays."""

    assert (pay.__name__, pay.__doc__) == ("pay", "Pays.")


def test_two_workers_of_one_store_share_their_records(store: MemoryStore) -> None:
    one = idempotent(store=store)(Handler())
    registry.clear()  # as in another process
    other = idempotent(store=store)(Handler("other"))
    assert one(EVENT, None) == other(EVENT, None)


def test_two_namespaces_of_one_store_do_not_share_their_records(store: MemoryStore) -> None:
    one = idempotent(store=store, namespace="one")(Handler("one"))
    other = idempotent(store=store, namespace="other")(Handler("other"))
    assert (one(EVENT, None), other(EVENT, None)) == ("one", "other")


def test_the_handler_may_change_its_event(store: MemoryStore) -> None:
    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        order = event["items"].pop()
        event["seen"] = True
        return order

    assert handler({"items": [1, 2]}, None) == handler({"items": [1, 2]}, None) == 2


def test_a_replay_is_not_changed_by_what_callers_do_to_earlier_ones(store: MemoryStore) -> None:
    handler = idempotent(store=store)(Handler())
    for _ in range(2):
        handler(EVENT, None)["run"] = 99
    assert handler(EVENT, None) == {"run": 1}


def test_an_answer_that_cannot_be_recorded_reaches_its_caller(store: MemoryStore) -> None:
    answer = object()
    assert idempotent(store=store)(Handler(answer))(EVENT, None) is answer


def test_a_duplicate_of_an_answer_that_could_not_be_recorded_never_runs(store: MemoryStore) -> None:
    inner = Handler(object())
    handler = idempotent(store=store)(inner)
    handler(EVENT, None)
    with pytest.raises(ResponseUnavailableError):
        handler(EVENT, None)
    assert inner.runs == 1


# Expiry -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expires_after", [3600, 3600.0, timedelta(hours=1)])
def test_an_expired_answer_is_not_replayed(
    store: MemoryStore, clock: ManualClock, expires_after: float | timedelta
) -> None:
    handler = idempotent(store=store, expires_after=expires_after)(Handler())
    handler(EVENT, None)
    clock.advance(3600)
    assert handler(EVENT, None) == {"run": 2}


@pytest.mark.parametrize("expires_after", [3600, 3600.0, timedelta(hours=1)])
def test_an_answer_is_replayed_until_it_expires(
    store: MemoryStore, clock: ManualClock, expires_after: float | timedelta
) -> None:
    handler = idempotent(store=store, expires_after=expires_after)(Handler())
    handler(EVENT, None)
    clock.advance(3599)
    assert handler(EVENT, None) == {"run": 1}


# Keys and fingerprints ----------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["order_id", lambda event: event["order_id"]])
def test_the_key_alone_decides_what_is_a_duplicate(store: MemoryStore, key: Any) -> None:
    handler = idempotent(store=store, key=key)(Handler())
    assert handler(EVENT, None) == handler({**EVENT, "amount": 11}, None)


def test_a_key_with_another_payload_is_refused(store: MemoryStore) -> None:
    inner = Handler()
    handler = idempotent(store=store, key="order_id", fingerprint="amount")(inner)
    handler(EVENT, None)
    with pytest.raises(FingerprintMismatchError):
        handler({**EVENT, "amount": 11}, None)
    assert inner.runs == 1


def test_a_key_with_the_same_payload_is_a_duplicate(store: MemoryStore) -> None:
    handler = idempotent(store=store, key="order_id", fingerprint="amount")(Handler())
    assert handler(EVENT, None) == handler({**EVENT, "trace": "x"}, None)


def test_a_missing_key_is_rejected(store: MemoryStore) -> None:
    inner = Handler()
    with pytest.raises(MissingKeyError):
        idempotent(store=store, key="nothing")(inner)(EVENT, None)
    assert inner.runs == 0


def test_a_missing_key_may_be_bypassed(store: MemoryStore) -> None:
    inner = Handler()
    handler = idempotent(store=store, key="nothing", on_missing_key="bypass")(inner)
    assert [handler(EVENT, None), handler(EVENT, None)] == [{"run": 1}, {"run": 2}]


def test_a_key_that_is_there_is_not_bypassed(store: MemoryStore) -> None:
    handler = idempotent(store=store, key="order_id", on_missing_key="bypass")(Handler())
    assert handler(EVENT, None) == handler(EVENT, None)


def test_an_unusable_key_is_not_bypassed(store: MemoryStore) -> None:
    handler = idempotent(store=store, key=lambda _: object(), on_missing_key="bypass")(Handler())
    with pytest.raises(MissingKeyError, match="unusable"):
        handler(EVENT, None)


@pytest.mark.parametrize("source", ["aws:sqs", "aws:kinesis", "aws:dynamodb"])
def test_a_batch_is_refused_by_its_source(store: MemoryStore, source: str) -> None:
    inner = Handler()
    batch = {"Records": [{"eventSource": source, "body": "{}"}]}
    with pytest.raises(ConfigurationError, match=f"batch of {source} records"):
        idempotent(store=store)(inner)(batch, None)
    assert inner.runs == 0


@pytest.mark.parametrize("records", [[], None, [{"eventSource": "aws:s3"}]])
def test_what_is_no_batch_is_not_refused(store: MemoryStore, records: Any) -> None:
    assert idempotent(store=store)(Handler("ran"))({"Records": records}, None) == "ran"


# The running attempt ------------------------------------------------------------------------------


def attempt(event: Any, context: Any) -> list[Any]:
    return [current().key, current().attempt, current().downstream_key("charge")]


def test_the_running_attempt_knows_its_key_and_number(store: MemoryStore) -> None:
    key, number, _ = idempotent(store=store, namespace="shop")(attempt)(EVENT, None)
    assert key.startswith("shop#")
    assert number == 1


def test_outside_a_call_there_is_no_running_attempt(store: MemoryStore) -> None:
    idempotent(store=store)(attempt)(EVENT, None)
    with pytest.raises(ConfigurationError, match="inside the handler"):
        current()


def test_after_a_call_that_raised_there_is_no_running_attempt(store: MemoryStore) -> None:
    def fail(event: Any, context: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        idempotent(store=store)(fail)(EVENT, None)
    with pytest.raises(ConfigurationError):
        current()


def test_a_call_inside_a_call_has_an_attempt_of_its_own(store: MemoryStore) -> None:
    inner = idempotent(store=store, namespace="inner")(attempt)

    @idempotent(store=store, namespace="outer")
    def outer(event: Any, context: Any) -> list[str]:
        before = current().key
        return [before, inner(event, context)[0], current().key]

    before, inside, after = outer(EVENT, None)
    assert before == after != inside


def test_a_bypassed_call_has_an_attempt_of_its_own(store: MemoryStore) -> None:
    handler = idempotent(store=store, key="nothing", on_missing_key="bypass")(attempt)
    one, other = handler(EVENT, None), handler(EVENT, None)
    assert one[1] == other[1] == 1
    assert one[0] != other[0]
    assert one[2] != other[2]


FIRST: Final = Attempt("shop#00", 1)


def test_a_downstream_key_is_the_same_in_every_attempt() -> None:
    assert FIRST.downstream_key("charge") == FIRST._replace(attempt=2).downstream_key("charge")


@pytest.mark.parametrize("name", ["charge", "", "\ud800"])
def test_a_downstream_key_is_64_hexadecimal_digits(name: str) -> None:
    assert len(bytes.fromhex(FIRST.downstream_key(name))) == 32


def test_downstream_keys_of_two_names_differ() -> None:
    assert FIRST.downstream_key("charge") != FIRST.downstream_key("refund")


def test_downstream_keys_of_two_records_differ() -> None:
    other = FIRST._replace(key="shop#01")
    assert FIRST.downstream_key("charge") != other.downstream_key("charge")


def test_a_downstream_key_does_not_show_the_record_s_key() -> None:
    assert "shop#00" not in FIRST.downstream_key("charge")
