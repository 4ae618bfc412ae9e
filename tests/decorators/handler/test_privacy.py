"""No log line and no error holds a key's value, a payload or an answer."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Any, Final

import pytest

from kit.clocks import ManualClock
from lambda_idempotency import IdempotencyError, MemoryStore, current, idempotent
from lambda_idempotency.protocol.record import Claim, Completion, Record, Reply

SECRET: Final = "secret-4711"
EVENT: Final[dict[str, Any]] = {"id": SECRET, "amount": SECRET}


def answer(event: Any, context: Any) -> str:
    return SECRET


def fail(event: Any, context: Any) -> None:
    raise ZeroDivisionError


class QuotingStore(MemoryStore):
    """A store that fails with errors that quote the request."""

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        raise ConnectionError(f"cannot write {SECRET}")


class QuotingCompletions(MemoryStore):
    """A store that fails with such errors once the handler has run."""

    def complete(self, completion: Completion) -> Reply:
        raise ConnectionError(f"cannot write {completion.data!r}")


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert SECRET not in caplog.text


def refusal(handler: Any, event: Any = EVENT) -> str:
    """Return everything that a log shows of the error and its causes."""
    with pytest.raises(IdempotencyError) as refused:
        handler(event, None)
    return "".join(traceback.format_exception(refused.value))


def test_a_call_and_its_replay_log_no_secret(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    handler = idempotent(store=store, key="id")(answer)
    assert handler(EVENT, None) == handler(EVENT, None) == SECRET
    assert [record.getMessage().split()[0] for record in caplog.records] == ["Executed", "Replayed"]


def test_a_call_is_logged_under_its_record(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    key = idempotent(store=store)(lambda event, context: current().key)(EVENT, None)
    assert key in caplog.text


def test_a_call_that_raises_logs_no_secret(store: MemoryStore) -> None:
    with pytest.raises(ZeroDivisionError):
        idempotent(store=store)(fail)(EVENT, None)


def test_a_mismatch_quotes_no_secret(store: MemoryStore) -> None:
    handler = idempotent(store=store, key="id", fingerprint="amount")(answer)
    handler({**EVENT, "amount": 1}, None)
    assert SECRET not in refusal(handler)


def test_a_call_in_progress_quotes_no_secret(store: MemoryStore) -> None:
    @idempotent(store=store, key="id")
    def handler(event: Any, context: Any) -> None:
        assert SECRET not in refusal(handler)

    handler(EVENT, None)


def test_a_parked_call_quotes_no_secret(store: MemoryStore, clock: ManualClock) -> None:
    class Killed(MemoryStore):
        """A store that loses its releases, like those of a worker that is killed."""

        def release(self, key: str, owner: str) -> Reply:
            return self.read(key)

    handler = idempotent(store=Killed(clock), key="id", lease=1, max_attempts=1)(fail)
    with pytest.raises(ZeroDivisionError):
        handler(EVENT, None)
    clock.advance(60)
    assert SECRET not in refusal(handler)


@pytest.mark.parametrize(
    ("key", "event"),
    [
        ("nothing", EVENT),
        ("abs(id)", EVENT),
        ("[id, nothing]", EVENT),
        (lambda event: int(event["id"]), EVENT),
        (lambda event: [event["id"], object()], EVENT),
        (lambda event: {(event["id"], len): 1}, EVENT),
        (SECRET.encode().decode, EVENT),
        ("json(id)", EVENT),
        ("base64(id)", EVENT),
        ("base64_gzip(id)", EVENT),
        ("ID", {"Id": SECRET}),
        ("items[*].id", {"items": [{"id": SECRET}, {}]}),
        (
            "body.id",
            {"httpMethod": "POST", "resource": "/", "body": f'{{"{SECRET}": 1, "{SECRET}": 2}}'},
        ),
    ],
)
def test_a_key_that_cannot_be_used_is_not_quoted(store: MemoryStore, key: Any, event: Any) -> None:
    assert SECRET not in refusal(idempotent(store=store, key=key, http=None)(answer), event)


def test_an_outage_quotes_no_secret_of_its_own() -> None:
    with pytest.raises(IdempotencyError) as refused:
        idempotent(store=QuotingStore(), key="id")(answer)(EVENT, None)
    assert SECRET not in str(refused.value)


def test_a_completion_that_failed_logs_no_secret(slept: list[float]) -> None:
    assert idempotent(store=QuotingCompletions(), key="id")(answer)(EVENT, None) == SECRET


def test_an_answer_that_is_unavailable_is_not_quoted(store: MemoryStore) -> None:
    handler = idempotent(store=store, key="id")(lambda event, context: {SECRET})
    handler(EVENT, None)
    assert SECRET not in refusal(handler)


def test_a_batch_that_is_refused_is_not_quoted(store: MemoryStore) -> None:
    batch = {"Records": [{"eventSource": "aws:sqs", "body": SECRET}]}
    assert SECRET not in refusal(idempotent(store=store)(answer), batch)
