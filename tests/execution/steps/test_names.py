"""The names of steps, and functions that a step does not run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kit.steps import (
    EVENT,
    WRITE,
    Scripted,
)
from lambda_idempotency import (
    CommitError,
    ConfigurationError,
    WritesRefused,
    current,
    idempotent,
)

# Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["é\ud800\x00\"'\n", "x" * 256, "none", "S3"])
def test_a_name_is_any_text(scripted: Scripted, name: str) -> None:
    ran: list[str] = []

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> Any:
        first = current().step(name, lambda: ran.append(name) or "done")  # type: ignore[func-returns-value]
        current().step("then", lambda: _raise_once(ran))
        return first

    with pytest.raises(ValueError, match="once"):
        handler(EVENT, None)
    assert handler(EVENT, None) == "done"
    assert ran.count(name) == 1


def _raise_once(ran: list[str]) -> None:
    ran.append("then")
    if ran.count("then") == 1:
        raise ValueError("once")


def test_a_name_that_is_too_long_is_refused(scripted: Scripted) -> None:
    handler = idempotent(store=scripted)(lambda event, context: current().step("x" * 257, int))
    with pytest.raises(ConfigurationError, match="257 characters; expected at most 256"):
        handler(EVENT, None)


def test_a_name_is_free_again_after_its_step_raised(scripted: Scripted) -> None:
    tries: list[int] = []

    def charge() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise TimeoutError
        return 7

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> Any:
        while True:
            try:
                return current().step("charge", charge)
            except TimeoutError:
                continue

    assert handler(EVENT, None) == 7
    assert scripted.points == 1


def test_a_name_is_free_again_after_its_writes_were_refused(scripted: Scripted) -> None:
    scripted.ends = [WritesRefused("write 1 of 1 failed", 0)]

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> Any:
        with pytest.raises(CommitError):
            current().step("stock", lambda: "first", writes=[WRITE])
        return current().step("stock", lambda: "second", writes=[WRITE])

    assert handler(EVENT, None) == "second"
    assert scripted.committed == [WRITE]


def test_of_two_threads_one_takes_a_name(scripted: Scripted) -> None:
    inside = threading.Event()

    @idempotent(store=scripted)
    def handler(event: Any, context: Any) -> None:
        attempt = current()
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(attempt.step, "a", lambda: inside.set() or done.wait(60))  # type: ignore[func-returns-value]
            inside.wait(60)
            with pytest.raises(ConfigurationError, match="taken twice"):
                attempt.step("a", int)
            done.set()
            assert first.result() is True

    done = threading.Event()
    handler(EVENT, None)


def test_a_step_has_steps(scripted: Scripted) -> None:
    ran: list[str] = []

    def outer() -> list[Any]:
        ran.append("outer")
        inner = current().step("inner", lambda: ran.append("inner") or 1)  # type: ignore[func-returns-value]
        if ran.count("outer") == 1:
            raise ValueError("once")
        return [inner]

    handler = idempotent(store=scripted)(lambda event, context: current().step("outer", outer))
    with pytest.raises(ValueError, match="once"):
        handler(EVENT, None)
    assert handler(EVENT, None) == [1]
    assert ran == ["outer", "inner", "outer"]


def test_a_step_within_itself_is_refused(scripted: Scripted) -> None:
    def again() -> Any:
        return current().step("a", int)

    handler = idempotent(store=scripted)(lambda event, context: current().step("a", again))
    with pytest.raises(ConfigurationError, match="taken twice"):
        handler(EVENT, None)


# Functions that have not run ----------------------------------------------------------------------


def _lines() -> Iterator[int]:
    yield pytest.fail("it ran")


async def _async_lines() -> Any:
    yield pytest.fail("it ran")


def test_a_generator_function_is_refused(scripted: Scripted) -> None:
    handler = idempotent(store=scripted)(lambda event, context: current().step("a", _lines))
    with pytest.raises(ConfigurationError, match="generator, none of which has run"):
        handler(EVENT, None)
    assert scripted.records() == {}


@pytest.mark.parametrize("lines", [_lines, _async_lines])
def test_a_generator_function_of_an_async_handler_is_refused(
    scripted: Scripted, lines: Any
) -> None:
    @idempotent(store=scripted)
    async def handler(event: Any, context: Any) -> Any:
        return await current().step("a", lines)

    with pytest.raises(ConfigurationError, match="generator, none of which has run"):
        handler(EVENT, None)
