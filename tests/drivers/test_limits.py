"""The time that stores see: what the invocation has left, less the reserve of its whole limit."""

from __future__ import annotations

from typing import Any, Final

import pytest

from kit.operations import operation_of
from lambda_idempotency import MemoryStore, idempotent, idempotent_records
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.protocol.record import Reply

RECORDS: Final = {
    "Records": [
        {"eventSource": "aws:sqs", "eventSourceARN": "arn", "messageId": n, "body": f'"{n}"'}
        for n in "12"
    ]
}


class Watching(MemoryStore):
    """A store that notes the seconds that each verb has."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def claim(self, *arguments: Any) -> Reply:
        self.seen.append(deadline.current(3600).left())
        return super().claim(*arguments)

    def complete(self, *arguments: Any) -> Reply:
        self.seen.append(deadline.current(3600).left())
        return super().complete(*arguments)


class Context:
    """The context of an invocation, whose time is what a test says."""

    aws_request_id = "request"
    left_ms = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


def _close(seen: list[float], expected: list[float]) -> bool:
    """Tell whether what was seen is a little less than expected, as time goes by."""
    return len(seen) == len(expected) and all(
        expect - 20 < left <= expect for left, expect in zip(seen, expected, strict=True)
    )


@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_has_its_invocations_time_without_the_reserve(*, is_async: bool) -> None:
    store, context = Watching(), Context()
    decorate = idempotent(store=store, namespace="shop")
    if is_async:

        async def handler(event: Any, context: Any) -> None: ...

        decorated: Any = decorate(handler)
    else:
        decorated = decorate(lambda event, context: None)
    decorated({"id": 1}, context)
    assert _close(store.seen, [59.5, 59.5])


@pytest.mark.parametrize("is_async", [False, True])
def test_late_steps_of_a_batch_keep_the_reserve_of_the_whole_invocation(*, is_async: bool) -> None:
    store, context = Watching(), Context()

    def late(record: Any, _: Any) -> None:
        context.left_ms = 2000

    async def late_async(record: Any, context: Any) -> None:
        late(record, context)

    handler: Any = late_async if is_async else late
    idempotent_records(store=store, namespace="shop")(handler)(RECORDS, context)
    assert _close(store.seen, [59.5, 1.5, 1.5, 1.5])


@pytest.mark.parametrize(
    ("wait_timeout", "left", "waits"), [(None, 3000, 1500), (1, 3000, 1000), (5, 3000, 2700)]
)
def test_waiting_for_another_attempt_leaves_the_reserve(
    wait_timeout: int | None, left: int, waits: int
) -> None:
    operation = operation_of(on_in_progress="wait", wait_timeout=wait_timeout)
    assert operation._wait(left) == waits
