"""An envelope without the whole state: the input is on a later page, and Lambda is asked for it.

The local runner has it on the first page always, so these tests move it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.durable import Executions, real
from lambda_idempotency import ConfigurationError, MemoryStore, idempotent
from lambda_idempotency.clients.aws.client import ServiceError
from lambda_idempotency.decorators import durable
from lambda_idempotency.execution.durable import envelope as envelopes

ORDER = {"order": 7}
STARTED_MS = 1_700_000_000_000


class Pages:
    """Takes the operations out of an envelope, and answers as GetDurableExecutionState does."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.error: ServiceError | None = None

    def taken(self, envelope: dict[str, Any]) -> dict[str, Any]:
        operations = envelope["InitialExecutionState"]["Operations"]
        # The service's timestamps are in seconds.
        self._pages = {
            "first": {"Operations": [], "NextMarker": "second"},
            "second": {"Operations": [{**operations[0], "StartTimestamp": STARTED_MS / 1000}]},
        }
        return {**envelope, "InitialExecutionState": {"Operations": [], "NextMarker": "first"}}

    def get_durable_execution_state(self, arn: str, *, token: str, marker: str) -> Any:
        self.asked.append((arn, marker))
        if self.error is not None:
            raise self.error
        return self._pages[marker]


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    made = Pages()
    monkeypatch.setattr(durable, "_client", lambda: made)
    return made


def _function(pages: Pages, store: MemoryStore, handler: Callable[[Any, Any], Any]) -> Any:
    ours = idempotent(name="pay", key="order", store=store, execution_timeout=300)

    def outer(function: Any) -> Any:
        protected = ours(function)
        return lambda envelope, context: protected(pages.taken(envelope), context)

    return real(handler, outer=outer)


def test_the_input_is_read_from_the_page_that_has_it(pages: Pages) -> None:
    runs: list[Any] = []
    with Executions(_function(pages, MemoryStore(), lambda event, _: runs.append(event))) as pay:
        arn = pay.start(ORDER)
        assert [pay.result(arn), pay.run(ORDER)] == [None, None]
    assert runs == [ORDER]
    assert pages.asked[:2] == [(arn, "first"), (arn, "second")]


def test_the_start_on_another_page_is_in_seconds(pages: Pages) -> None:
    state = {"Operations": [{"Type": "EXECUTION"}]}
    envelope = {
        "DurableExecutionArn": "arn",
        "CheckpointToken": "token",
        "InitialExecutionState": state,
    }
    opened = envelopes.opened(pages.taken(envelope), durable._more)
    assert (opened.started, opened.input) == (STARTED_MS, {})


@pytest.mark.parametrize("place", [None, "envelope", "first", "second"])
def test_an_execution_has_resumed_if_a_page_has_another_operation(
    pages: Pages, place: str | None
) -> None:
    envelope = pages.taken(
        {
            "DurableExecutionArn": "arn",
            "CheckpointToken": "token",
            "InitialExecutionState": {"Operations": [{"Type": "EXECUTION"}]},
        }
    )
    every = {"envelope": envelope["InitialExecutionState"], **pages._pages}
    if place is not None:
        every[place]["Operations"].append({"Type": "STEP"})
    assert envelopes.opened(envelope, durable._more).resumed == (place is not None)


def test_a_page_that_cannot_be_read_fails_the_invocation_alone(pages: Pages) -> None:
    error = {"Code": "TooManyRequestsException", "Message": ""}
    response = {"Error": error, "ResponseMetadata": {}}
    pages.error = ServiceError("Lambda", "GetDurableExecutionState", response)
    store = MemoryStore()
    with Executions(_function(pages, store, lambda event, _: event["order"])) as pay:

        def recover(number: int) -> None:
            if number == 2:
                pages.error = None

        pay.before = recover
        assert pay.run(ORDER) == 7
        assert isinstance(pay.invocations[0], ServiceError)


def test_a_record_id_asks_for_nothing(pages: Pages) -> None:
    handler = idempotent(store=MemoryStore(), execution_timeout=300)(lambda *_: None)
    envelope = {
        "DurableExecutionArn": "arn",
        "CheckpointToken": "token",
        "InitialExecutionState": {"Operations": [], "NextMarker": "first"},
    }
    with pytest.raises(ConfigurationError, match="has 0 operations and no EXECUTION"):
        handler.record_id(envelope)
    assert pages.asked == []
