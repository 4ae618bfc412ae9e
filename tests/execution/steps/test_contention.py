"""Writes that others are in the way of, and alarms while they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any, Final

import pytest

from kit.steps import (
    EVENT,
    WRITE,
    Scripted,
    Stop,
)
from lambda_idempotency import (
    CommitError,
    StoreError,
    WritesRefused,
    current,
    idempotent,
)

BUSY: Final = StoreError("busy", applied=False)
AWAY: Final = StoreError("away")


def test_writes_are_sent_again_while_other_transactions_are_in_the_way(
    scripted: Scripted, pauses: list[float]
) -> None:
    scripted.ends = [BUSY, BUSY]
    handler = idempotent(store=scripted)(_takes_stock)
    assert handler(EVENT, None) == "taken"
    assert scripted.committed == [WRITE]
    assert pauses == [0.05, 0.1]


def _takes_stock(event: Any, context: Any) -> Any:
    return current().step("stock", lambda: "taken", writes=[WRITE])


def test_writes_whose_reply_was_lost_are_applied_once(scripted: Scripted) -> None:
    scripted.ends, scripted.after = [AWAY], True
    assert idempotent(store=scripted)(_takes_stock)(EVENT, None) == "taken"
    assert (scripted.points, scripted.committed) == (2, [WRITE])


def test_writes_that_are_always_in_the_way_are_told_as_refused(scripted: Scripted) -> None:
    scripted.ends = [BUSY] * 8
    handler = idempotent(store=scripted)(_takes_stock)
    with pytest.raises(CommitError, match="kept writing the same items") as failed:
        handler(EVENT, None)
    assert (failed.value.applied, scripted.points) == (False, 8)
    assert handler(EVENT, None) == "taken"  # the key was let go


def test_writes_refused_after_a_try_of_unknown_fate_are_unknown(scripted: Scripted) -> None:
    scripted.ends = [AWAY, WritesRefused("write 1 of 1 failed", 0)]
    with pytest.raises(CommitError) as failed:
        idempotent(store=scripted)(_takes_stock)(EVENT, None)
    assert failed.value.applied is None
    [record] = scripted.records().values()
    assert record.lease_end > 0


def test_writes_are_not_sent_again_when_the_invocation_ends(scripted: Scripted) -> None:
    scripted.ends = [BUSY]
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 40)
    with pytest.raises(CommitError):
        idempotent(store=scripted)(_takes_stock)(EVENT, context)
    assert scripted.points == 1


def test_async_writes_are_sent_again(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    @idempotent(store=scripted)
    async def handler(event: Any, context: Any) -> Any:
        return await current().step("stock", lambda: "taken", writes=[WRITE])

    scripted.ends = [BUSY]
    assert handler(EVENT, None) == "taken"
    assert scripted.committed == [WRITE]


def test_a_step_without_writes_is_not_sent_again(scripted: Scripted) -> None:
    scripted.ends = [AWAY]
    handler = idempotent(store=scripted)(lambda event, context: current().step("a", lambda: 1))
    assert handler(EVENT, None) == 1
    assert scripted.points == 1


@pytest.mark.parametrize("applied", [0, 1])
def test_an_alarm_while_writes_are_sent_repeats_none_of_them(
    scripted: Scripted, applied: int
) -> None:
    scripted.ends, scripted.after = [Stop()], bool(applied)

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> Any:
        try:
            return _takes_stock(event, context)
        except Stop:
            return current().step("next", int)

    with pytest.raises(CommitError, match="'next'"):
        handler(EVENT, None)
    assert len(scripted.committed) == applied
    [record] = scripted.records().values()
    assert record.lease_end > 0


def test_an_alarm_while_a_step_is_recorded_keeps_it(scripted: Scripted) -> None:
    scripted.ends, ran = [Stop()], []

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> Any:
        return current().step("a", lambda: ran.append(1) or "done")  # type: ignore[func-returns-value]

    with pytest.raises(Stop):
        handler(EVENT, None)
    assert handler(EVENT, None) == "done"
    assert ran == [1]


def test_an_alarm_that_takes_a_step_in_mid_step_loses_neither(scripted: Scripted) -> None:
    ran: list[str] = []

    def step(name: str) -> Any:
        return current().step(name, lambda: ran.append(name) or name)  # type: ignore[func-returns-value]

    def alarm() -> None:
        step("of the alarm")

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> Any:
        got = [step("a"), step("b")]
        if ran.count("b") == 1 and "once" not in ran:
            ran.append("once")
            raise ValueError("once")
        return [*got, step("of the alarm")]

    scripted.ends = [alarm]
    with pytest.raises(ValueError, match="once"):
        handler(EVENT, None)
    assert handler(EVENT, None) == ["a", "b", "of the alarm"]
    assert sorted(ran) == ["a", "b", "of the alarm", "once"]


@pytest.mark.parametrize("error", [Stop, SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_whatever_a_step_raises_reaches_the_caller_and_frees_the_key(
    scripted: Scripted, error: Callable[[], BaseException]
) -> None:
    def stop() -> None:
        raise error()

    handler = idempotent(store=scripted)(lambda event, context: current().step("a", stop))
    with pytest.raises(error):  # type: ignore[call-overload]
        handler(EVENT, None)
    assert scripted.records() == {}


def test_hundreds_of_steps_are_each_recorded(scripted: Scripted) -> None:
    ran: list[int] = []

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> Any:
        got = [current().step(f"line {n}", lambda n=n: ran.append(n) or n) for n in range(300)]  # type: ignore[misc, func-returns-value]
        if len(ran) == 300:
            ran.append(-1)
            raise ValueError("once")
        return sum(got)

    with pytest.raises(ValueError, match="once"):
        handler(EVENT, None)
    assert handler(EVENT, None) == sum(range(300))
    assert (len(ran), scripted.points) == (301, 300)


def test_steps_in_contexts_of_threads_are_the_same_attempts(scripted: Scripted) -> None:
    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(copy_context().run, lambda: current().step("a", lambda: 5)).result()

    assert handler(EVENT, None) == 5
