"""A deployed handler of records behind queues: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from kit.aws.deployed import Deployed
from kit.batches import batch, sqs

pytestmark = pytest.mark.xdist_group("deployed")

PATIENCE = 60.0
"""Seconds."""


def _await(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def _until(deployed: Deployed, items: list[str], *, groups: str | None = None) -> None:
    """Wait until these messages have had an effect, and the queue is empty."""

    def done() -> bool:
        return all(map(deployed.effects, items)) and not deployed.queued(groups=groups)

    _await(done, "messages have had no effect")


def _body(**more: Any) -> dict[str, Any]:
    return {"id": uuid4().hex, "amount": 1, **more}


def test_a_poisoned_message_is_delivered_again_until_it_succeeds(deployed: Deployed) -> None:
    items = deployed.send([_body(poisoned=True), _body(), _body()])
    _until(deployed, items)
    assert [deployed.effects(item) for item in items] == [1, 1, 1]


def test_what_is_sent_twice_has_one_effect(deployed: Deployed) -> None:
    body = _body()
    first = deployed.send([body])
    _until(deployed, first)
    second = deployed.send([body])
    _until(deployed, first)
    assert [deployed.effects(item) for item in [*first, *second]] == [1, 0]


def test_a_poisoned_message_holds_back_its_group_and_no_other(deployed: Deployed) -> None:
    groups = "AABB"
    items = deployed.send([_body(poisoned=True), _body(), _body(), _body()], groups=groups)
    _until(deployed, items, groups=groups)
    runs = [deployed.runs(item) for item in items]
    assert [len(each) for each in runs] == [1, 1, 1, 1]
    a_first, a_second, b_first, b_second = (at for [(at, _)] in runs)
    assert b_first < b_second < a_first < a_second


def test_what_is_sent_twice_to_a_group_has_one_effect(deployed: Deployed) -> None:
    body, other = _body(), _body()
    items = deployed.send([body, body, other], groups="CCC")
    _until(deployed, [items[0], items[2]], groups="CCC")
    assert [deployed.effects(item) for item in items] == [1, 0, 1]


def test_a_duplicate_is_not_lost_when_its_original_dies(deployed: Deployed) -> None:
    word = uuid4().hex
    body = _body(dies=word)
    [original] = deployed.send([body])
    _await(lambda: deployed.effects(f"began {word}"), "the original has not begun")
    [duplicate] = deployed.send([body])
    refused = "OK - 0 records, 1 partial failures"
    _await(lambda: deployed.last_batch("Records") == refused, "the duplicate was not refused")
    assert deployed.queued() == 2  # the source keeps it
    deployed.say(word)
    _await(lambda: not deployed.queued(), "messages are left")
    [(_, attempt)] = [run for item in (original, duplicate) for run in deployed.runs(item)]
    assert attempt == 2


def test_what_a_pipe_delivers_runs_once_and_what_failed_runs_again(deployed: Deployed) -> None:
    items = [uuid4().hex for _ in range(3)]
    event = list(
        map(sqs, items, [_body(), _body(poisoned=True), _body()])
    )  # a pipe has no envelope
    failed = {"batchItemFailures": [{"itemIdentifier": items[1]}]}
    assert deployed.invoke("Records", event).payload == failed
    for record in event:
        record["attributes"]["ApproximateReceiveCount"] = "2"
    assert deployed.invoke("Records", event).payload == {"batchItemFailures": []}
    assert [deployed.effects(item) for item in items] == [1, 1, 1]


def test_a_process_that_dies_in_mid_batch_repeats_nothing_and_loses_nothing(
    deployed: Deployed,
) -> None:
    word = uuid4().hex
    deployed.say(word)
    items = [uuid4().hex for _ in range(3)]
    bodies = [_body(), _body(dies=word), _body()]
    event = batch(*map(sqs, items, bodies))
    assert deployed.invoke("Records", event).error is not None
    assert [deployed.effects(item) for item in items] == [1, 0, 0]
    in_flight = {"batchItemFailures": [{"itemIdentifier": items[1]}]}
    assert deployed.invoke("Records", event).payload == in_flight
    assert [deployed.effects(item) for item in items] == [1, 0, 1]
    taken_over: dict[str, Any] = {"batchItemFailures": []}
    deployed.until("Records", event, lambda result: result.payload == taken_over)
    attempts = [attempt for item in items for _, attempt in deployed.runs(item)]
    assert attempts == [1, 2, 1]
