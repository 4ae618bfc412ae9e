"""Steps under way as their attempt ends."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from kit.steps import (
    EVENT,
    WRITE,
    Scripted,
)
from lambda_idempotency import (
    ConfigurationError,
    current,
    idempotent,
)


@pytest.mark.parametrize("ended", ["the handler has returned", "the attempt has raised"])
def test_the_first_step_after_the_end_does_not_run(scripted: Scripted, ended: str) -> None:
    attempts: list[Any] = []

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> None:
        attempts.append(current())
        if "raised" in ended:
            raise ValueError("once")

    with suppress(ValueError):
        handler(EVENT, None)
    with pytest.raises(ConfigurationError, match=ended):
        attempts[0].step("late", lambda: pytest.fail("it ran"))


def test_a_step_that_outlives_its_attempt_is_not_recorded(scripted: Scripted) -> None:
    inside, ended = threading.Event(), threading.Event()
    told: list[Exception] = []

    def outlive(attempt: Any) -> None:
        try:
            attempt.step("slow", lambda: inside.set() or ended.wait(60))  # type: ignore[func-returns-value]
        except ConfigurationError as error:
            told.append(error)

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> str:
        thread = threading.Thread(target=outlive, args=(current(),))
        threads.append(thread)
        thread.start()
        inside.wait(60)
        return "answer"

    threads: list[threading.Thread] = []
    assert handler(EVENT, None) == "answer"
    ended.set()
    threads[0].join()
    assert "'slow' cannot run: the handler has returned" in str(told)
    assert scripted.points == 0


def test_writes_under_way_as_the_attempt_raises_keep_the_lease(scripted: Scripted) -> None:
    """Else giving up would erase the recovery point of writes that are applied."""
    under_way, ended = threading.Event(), threading.Event()

    def hold() -> None:
        under_way.set()
        ended.wait(60)

    scripted.ends = [None, hold]
    ran: list[str] = []

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> Any:
        attempt = current()
        attempt.step("one", lambda: ran.append("one"))
        thread = threading.Thread(
            target=lambda: attempt.step("stock", lambda: ran.append("stock"), writes=[WRITE])
        )
        threads.append(thread)
        thread.start()
        under_way.wait(60)
        raise ValueError("once")

    threads: list[threading.Thread] = []
    with pytest.raises(ValueError, match="once"):
        handler(EVENT, None)
    [record] = scripted.records().values()
    assert record.lease_end > 0
    ended.set()
    threads[0].join()
    [record] = scripted.records().values()
    assert "stock" in str(record.steps)
    assert scripted.committed == [WRITE]


def test_a_step_that_waits_to_be_recorded_is_recorded_as_the_attempt_gives_up(
    scripted: Scripted,
) -> None:
    """A task group cancels the others when one raises: their effects have happened."""
    ran: list[int] = []
    asked = asyncio.Event()

    async def step(number: int) -> None:
        if len(ran) == 3 and number == 2:
            asked.set()
        ran.append(number)

    @idempotent(store=scripted)
    async def handler(event: Any, context: Any) -> Any:
        attempt = current()

        async def fail() -> None:
            await asked.wait()
            raise ValueError("once")

        if not ran:
            loop = asyncio.get_running_loop()
            scripted.ends = [lambda: loop.call_soon_threadsafe(asked.set) and None]
            async with asyncio.TaskGroup() as group:
                for number in range(3):
                    group.create_task(attempt.step(str(number), lambda n=number: step(n)))  # type: ignore[misc]
                group.create_task(fail())
        for number in range(3):
            await attempt.step(str(number), lambda n=number: step(n))  # type: ignore[misc]
        return "answer"

    with pytest.raises(ExceptionGroup):
        handler(EVENT, None)
    assert handler(EVENT, None) == "answer"
    assert sorted(ran) == [0, 1, 2]


def test_a_forks_child_takes_no_steps(scripted: Scripted) -> None:
    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> Any:
        current().step("one", int)
        child = os.fork()
        if child == 0:
            try:
                current().step("two", lambda: os._exit(1))
            except ConfigurationError as error:
                os._exit(7 if "a fork's child" in str(error) else 2)
            os._exit(3)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), current().step("two", lambda: "parent's")

    assert handler(EVENT, None) == (7, "parent's")


def test_a_step_begins_while_the_writes_of_another_are_under_way(scripted: Scripted) -> None:
    under_way, goes_on = threading.Event(), threading.Event()

    def hold() -> None:
        under_way.set()
        goes_on.wait(60)

    scripted.ends = [hold]

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> Any:
        attempt = current()
        with ThreadPoolExecutor(1) as pool:
            stock = pool.submit(attempt.step, "stock", int, writes=[WRITE])
            under_way.wait(60)
            return attempt.step("mail", lambda: goes_on.set() or "sent"), stock.result()  # type: ignore[func-returns-value]

    assert handler(EVENT, None) == ("sent", 0)
