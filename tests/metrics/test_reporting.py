"""Each invocation writes one line of metrics, whatever it calls and however it ends."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

from kit.batches import batch, sqs
from kit.emf import Line, parse_all
from lambda_idempotency import (
    DynamoDBStore,
    MemoryStore,
    MissingKeyError,
    StoreError,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.protocol.record import Claim, Record, Reply

EVENT = {"id": 1}
Lines = Callable[[], list[Line]]


@pytest.fixture(autouse=True)
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payments")


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return lambda: parse_all(capsys.readouterr().out)


class Down(MemoryStore):
    """A store that cannot be reached."""

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        raise StoreError("down")


def test_a_first_call_and_a_replay_are_a_line_each(lines: Lines) -> None:
    handler = idempotent(store=MemoryStore(), namespace="shop")(lambda event, context: event)
    handler({"id": 1}, None)
    handler({"id": 1}, None)
    first, replay = lines()
    assert first.counts == {"Executed": 1}
    assert len(first.values["StoreLatency"]) == 2
    assert replay.counts == {"Replayed": 1}
    assert len(replay.values["StoreLatency"]) == 1
    assert first.dimensions == replay.dimensions == {"store": "memory", "namespace": "shop"}
    assert first.records == replay.records
    assert first.records[0].startswith("shop#")


def test_a_handler_that_raises_has_its_line(lines: Lines) -> None:
    def fail(event: Any, context: Any) -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        idempotent(store=MemoryStore())(fail)(EVENT, None)
    [line] = lines()
    assert line.counts == {"Executed": 1}


def test_a_store_that_cannot_be_reached_has_its_line(lines: Lines) -> None:
    handler = idempotent(store=Down(), namespace="shop")(lambda event, context: event)
    with pytest.raises(StoreError):
        handler({"id": 1}, None)
    [line] = lines()
    assert line.counts == {"StoreError": 1}


def test_a_missing_key_is_counted_without_a_record(lines: Lines) -> None:
    handler = idempotent(store=MemoryStore(), key="id")(lambda event, context: event)
    with pytest.raises(MissingKeyError):
        handler({"no": "id"}, None)
    [line] = lines()
    assert line.counts == {"MissingKey": 1}
    assert line.records == []


def test_calls_inside_a_call_are_in_its_line(lines: Lines) -> None:
    store = MemoryStore()

    @idempotent_function(store=store, key="n")
    def charge(n: int) -> int:
        return n

    handler = idempotent(store=store)(lambda event, context: [charge(1), charge(2), charge(1)])
    handler(EVENT, None)
    [line] = lines()
    assert line.counts == {"Executed": 3, "Replayed": 1}
    assert len(line.records) == 3


def test_another_store_inside_a_call_has_a_line_of_its_own(lines: Lines) -> None:
    @idempotent_function(store=MemoryStore(), namespace="ledger")
    def book(n: int) -> int:
        return n

    handler = idempotent(store=MemoryStore(), namespace="shop")(lambda event, _: [book(1), book(1)])
    handler(EVENT, None)
    outer, inner = lines()
    assert outer.dimensions["namespace"] == "shop"
    assert outer.counts == {"Executed": 1}
    assert inner.dimensions["namespace"] == "ledger"
    assert inner.counts == {"Executed": 1, "Replayed": 1}


def test_threads_that_have_the_context_are_in_the_line(lines: Lines) -> None:
    @idempotent_function(store=MemoryStore(), namespace="local", key="n")
    def charge(n: int) -> int:
        return n

    def handle(event: Any, context: Any) -> list[int]:
        with ThreadPoolExecutor() as pool:
            calls = [pool.submit(copy_context().run, charge, n) for n in range(8)]
            return [call.result() for call in calls]

    idempotent(store=MemoryStore())(handle)(EVENT, None)
    [line] = lines()
    assert line.counts == {"Executed": 9}


def test_threads_without_the_context_have_lines_of_their_own(lines: Lines) -> None:
    charge = idempotent_function(store=MemoryStore(), name="charge", key="n")(lambda n: n)

    def handle(event: Any, context: Any) -> int:
        with ThreadPoolExecutor() as pool:
            return int(pool.submit(charge, 1).result())

    idempotent(store=MemoryStore())(handle)(EVENT, None)
    assert [line.counts for line in lines()] == [{"Executed": 1}, {"Executed": 1}]


def test_an_async_handler_and_its_tasks_are_one_line(lines: Lines) -> None:
    @idempotent_function(store=MemoryStore(), namespace="local", key="n")
    async def charge(n: int) -> int:
        await asyncio.sleep(0)
        return n

    @idempotent(store=MemoryStore())
    async def handler(event: Any, context: Any) -> list[int]:
        return await asyncio.gather(*(charge(n) for n in range(5)))

    handler(EVENT, None)
    [line] = lines()
    assert line.counts == {"Executed": 6}
    assert len(line.values["StoreLatency"]) == 12


def test_a_task_that_outlives_its_call_has_a_line_for_what_comes_late(lines: Lines) -> None:
    store = MemoryStore()

    @idempotent_function(store=store, key="n")
    async def charge(n: int, begun: asyncio.Event, go: asyncio.Event) -> int:
        begun.set()
        await go.wait()
        return n

    @idempotent_function(store=store, key="order", name="order")
    async def order(order: int, begun: asyncio.Event, go: asyncio.Event) -> None:
        tasks.append(asyncio.create_task(charge(1, begun, go)))
        await begun.wait()

    tasks: list[asyncio.Task[int]] = []

    async def main() -> None:
        begun, go = asyncio.Event(), asyncio.Event()
        await order(7, begun, go)
        go.set()
        await tasks[0]
        await charge(1, begun, go)

    asyncio.run(main())
    assert [line.counts for line in lines()] == [{"Executed": 2}, {"Replayed": 1}]


def test_a_batch_is_one_line(lines: Lines) -> None:
    handler = idempotent_records(store=MemoryStore(), key="body.id")(lambda record, context: None)
    messages = [sqs(str(n), {"id": n % 3}) for n in range(5)]
    handler(batch(*messages), None)
    [line] = lines()
    assert line.counts == {"Executed": 3, "Replayed": 2}
    assert len(line.records) == 3


def test_a_large_batch_is_split(lines: Lines) -> None:
    handler = idempotent_records(store=MemoryStore(), key="body.id")(lambda record, context: None)
    handler(batch(*(sqs(str(n), {"id": n}) for n in range(250))), None)
    found = lines()
    assert [line.counts for line in found[:3]] == [
        {"Executed": 100},
        {"Executed": 100},
        {"Executed": 50},
    ]


def test_an_http_request_is_one_line(lines: Lines) -> None:
    handler = idempotent(store=MemoryStore())(lambda event, context: {"statusCode": 200})
    event = {
        "httpMethod": "POST",
        "resource": "/payments",
        "path": "/payments",
        "headers": {"Idempotency-Key": "secret-4711"},
        "requestContext": {},
        "body": "secret-4712",
    }
    handler(event, None)
    [line] = lines()
    assert line.counts == {"Executed": 1}


@pytest.mark.parametrize("variable", ["IDEMPOTENCY_METRICS", "IDEMPOTENCY_DISABLED"])
def test_nothing_is_written_where_it_is_switched_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    monkeypatch.setenv(variable, "false" if variable.endswith("METRICS") else "true")
    idempotent(store=MemoryStore())(lambda event, context: event)({"id": 1}, None)
    handler = idempotent_records(store=MemoryStore())(lambda record, context: None)
    handler(batch(sqs("1", {})), None)
    assert capsys.readouterr().out == ""


def test_nothing_is_written_outside_lambda(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME")
    idempotent(store=MemoryStore())(lambda event, context: event)({"id": 1}, None)
    assert capsys.readouterr().out == ""


class Closed(io.StringIO):
    """A stream that nobody reads anymore."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("stdout", [Closed(), None])
def test_a_call_does_not_fail_for_its_metrics(
    monkeypatch: pytest.MonkeyPatch, stdout: io.StringIO | None
) -> None:
    handler = idempotent(store=MemoryStore())(lambda event, context: event)
    monkeypatch.setattr(sys, "stdout", stdout)
    assert handler({"id": 1}, None) == {"id": 1}


def test_a_line_is_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    class Counting(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    handler = idempotent(store=MemoryStore())(lambda event, context: event)
    monkeypatch.setattr(sys, "stdout", Counting())
    handler({"id": 1}, None)
    [line] = written
    assert line.endswith("}\n")


def test_no_key_and_no_payload_is_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    secret = "secret-4711"
    handler = idempotent(store=MemoryStore(), key="id", fingerprint="amount")(
        lambda event, context: {"answer": secret}
    )
    handler({"id": secret, "amount": secret}, None)
    handler({"id": secret, "amount": secret}, None)
    output = capsys.readouterr().out
    assert len(parse_all(output)) == 2
    assert secret not in output


def test_a_table_is_told_from_others_by_its_name() -> None:
    assert DynamoDBStore("payments").name == "payments"
