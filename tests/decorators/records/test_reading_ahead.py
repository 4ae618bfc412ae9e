"""Nothing of a record stands between the effect of the one before it and that one's completion."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count, pairwise
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.batches import Record, batch, failures, fifo, sqs
from kit.clocks import ManualClock
from kit.counted import PairingStore
from lambda_idempotency import MemoryStore, idempotent_records
from lambda_idempotency.identity import effort


def events_of(*messages: Record, unreadable: str = "", failing: str = "") -> list[str]:
    """Return what happens in a batch, in order."""
    store = PairingStore(ManualClock())
    seen = store.sent

    def key(record: Any) -> Any:
        seen.append(f"read {record['messageId']}")
        return None if record["messageId"] in unreadable else record["messageId"]

    @idempotent_records(store=store, key=key)
    def handler(record: Any, context: Any) -> None:
        seen.append(f"run {record['messageId']}")
        if record["messageId"] in failing:
            raise ValueError("asked to")

    handler(batch(*messages), None)
    return seen


def test_a_record_is_read_before_the_one_before_it_runs() -> None:
    assert events_of(*map(sqs, "123")) == [
        *("read 1", "claim", "read 2", "run 1"),
        *("complete + claim", "read 3", "run 2"),
        *("complete + claim", "run 3", "complete"),
    ]


def test_after_one_that_cannot_be_read_the_next_one_is_read_too() -> None:
    assert events_of(*map(sqs, "123"), unreadable="2") == [
        *("read 1", "claim", "read 2", "read 3", "run 1"),
        *("complete + claim", "run 3", "complete"),
    ]


def test_what_must_wait_for_a_failed_one_is_not_read() -> None:
    assert events_of(*map(fifo, "123"), unreadable="1") == ["read 1"]


def test_one_that_has_been_read_does_not_run_after_a_failure_of_its_group() -> None:
    assert events_of(*map(fifo, "12"), failing="1") == [
        *("read 1", "claim", "read 2", "run 1", "release")
    ]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from(["a", "b", "standard"]), max_size=6),
    st.sets(st.sampled_from("012345")),
    st.sets(st.sampled_from("012345")),
)
def test_between_an_effect_and_its_completion_nothing_is_read(
    groups: list[str], unreadable: set[str], failing: set[str]
) -> None:
    messages = [
        sqs(str(number)) if group == "standard" else fifo(str(number), group)
        for number, group in enumerate(groups)
    ]
    events = events_of(
        *messages, unreadable="".join(unreadable), failing="".join(failing - unreadable)
    )
    for event, following in pairwise(events):
        if event.startswith("run"):
            assert following in ("complete", "complete + claim", "release")


def test_failures_are_told_in_the_order_of_the_records() -> None:
    handler = idempotent_records(store=MemoryStore(), key="body.id")(_fails)
    answer = handler(batch(sqs("1", {"id": 1}), sqs("2", {}), sqs("3", {"id": 3})), None)
    assert failures(answer) == ["1", "2", "3"]


def _fails(record: Record, context: Any) -> None:
    raise ValueError("asked to")


DYING: Final = """
import os, sys
from lambda_idempotency import MemoryStore, idempotent_records
effects = []
def key(record):
    if record["messageId"] == "2":
        print(*effects)
        sys.stdout.flush()
        os._exit(1)  # as an out-of-memory kill, or Lambda's timeout
    return record["messageId"]
handler = idempotent_records(store=MemoryStore(), key=key)(
    lambda record, _: effects.append(record["messageId"])
)
arn = "arn:aws:sqs:us-east-1:111111111111:orders"
handler({"Records": [
    {"eventSource": "aws:sqs", "eventSourceARN": arn, "messageId": each, "body": "{}"}
    for each in "12"
]}, None)
"""


def test_a_record_that_takes_the_process_down_repeats_no_effect() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", DYING], check=False, capture_output=True, text=True, env=os.environ
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "\n", "")


# The time that reading may take -------------------------------------------------------------------


class Context:
    """The context of an invocation that has four seconds left, so that reading may take one."""

    def get_remaining_time_in_millis(self) -> int:
        return 4000


NUMBERS: Final = {"id": 1, "numbers": [0.1] * 2000}
OBJECTS: Final = {"id": 1, "objects": [{}] * 2000}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each look at the clock take a millisecond, as on a small share of a core."""
    ticks = count()
    monkeypatch.setattr(effort, "_now", lambda: next(ticks) / 1000)


def _failed(*bodies: Any, context: Any, key: Any = "body.id", **options: Any) -> list[str]:
    handler = idempotent_records(store=MemoryStore(), key=key, **options)(lambda record, _: None)
    messages = [sqs(str(number), body) for number, body in enumerate(bodies)]
    return failures(handler(batch(*messages), context))


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("hostile", [NUMBERS, OBJECTS], ids=["numbers", "objects"])
def test_one_that_takes_too_long_to_read_fails_alone(
    hostile: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert _failed({"id": 0}, hostile, {"id": 2}, context=Context()) == ["1"]
    assert "reading it takes too long for the time that the invocation has left" in caplog.text


@pytest.mark.usefixtures("slow")
def test_an_expression_that_takes_too_long_fails_its_record_alone() -> None:
    words = {"id": 1, "words": ["x"] * 2000}
    key = "body.words[].[@] || body.id"
    assert _failed({"id": 0}, words, {"id": 2}, context=Context(), key=key) == ["1"]


@pytest.mark.usefixtures("slow")
def test_a_key_that_takes_too_long_to_write_fails_its_record_alone() -> None:
    big = {"id": [1e22] * 600}  # each takes two looks: one to be read, one to be written
    assert _failed({"id": 0}, big, {"id": 2}, context=Context()) == ["1"]


@pytest.mark.usefixtures("slow")
def test_without_a_deadline_reading_may_take_any_time() -> None:
    assert _failed({"id": 0}, NUMBERS, context=None) == []


def test_what_is_read_in_time_passes() -> None:
    assert _failed({"id": 0}, NUMBERS, OBJECTS, context=Context()) == []
