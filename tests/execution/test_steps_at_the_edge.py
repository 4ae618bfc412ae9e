"""Steps where the attempt ends, fails or is interrupted around them."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from itertools import count
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any, Final

import pytest

import lambda_idempotency
from kit.clocks import ManualClock
from kit.tracing import in_own_thread
from lambda_idempotency import (
    CommitError,
    ConfigurationError,
    MemoryStore,
    StoreError,
    WritesRefused,
    current,
    idempotent,
)
from lambda_idempotency.drivers import requests
from lambda_idempotency.protocol.record import INPROGRESS, Claim, Reply

EVENT: Final = {"id": 1}
WRITE: Final = {"Put": {"TableName": "ledger", "Item": {"id": {"S": "1"}}}}
BUSY: Final = StoreError("busy", applied=False)
AWAY: Final = StoreError("away")


class Scripted(MemoryStore):
    """A store that meets each recovery point with the next of `ends`: an error before or after its
    effect, a reply, or what a function does before it."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.ends: list[Any] = []
        self.points = 0
        self.after = False
        """True if errors come after the effect: the reply is lost."""

    def renew(self, claim: Claim) -> Reply:
        if claim.lease_ms == 0:
            return super().renew(claim)
        self.points += 1
        end = self.ends.pop(0) if self.ends else None
        if callable(end):
            end = end()
        if isinstance(end, BaseException):
            if self.after:
                super().renew(claim)
            raise end
        return super().renew(claim) if end is None else end


@pytest.fixture
def store(clock: ManualClock) -> Scripted:
    return Scripted(clock)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses, which take no time."""
    paused: list[float] = []
    sleeps: Any = requests.ask_alone.__defaults__
    monkeypatch.setattr(requests.ask_alone, "__defaults__", (paused.append, *sleeps[1:]))
    return paused


class Stop(BaseException):
    """What a signal handler raises."""


# Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["é\ud800\x00\"'\n", "x" * 256, "none", "S3"])
def test_a_name_is_any_text(store: Scripted, name: str) -> None:
    ran: list[str] = []

    @idempotent(store=store)
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


def test_a_name_that_is_too_long_is_refused(store: Scripted) -> None:
    handler = idempotent(store=store)(lambda event, context: current().step("x" * 257, int))
    with pytest.raises(ConfigurationError, match="257 characters; expected at most 256"):
        handler(EVENT, None)


def test_a_name_is_free_again_after_its_step_raised(store: Scripted) -> None:
    tries: list[int] = []

    def charge() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise TimeoutError
        return 7

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        while True:
            try:
                return current().step("charge", charge)
            except TimeoutError:
                continue

    assert handler(EVENT, None) == 7
    assert store.points == 1


def test_a_name_is_free_again_after_its_writes_were_refused(store: Scripted) -> None:
    store.ends = [WritesRefused("write 1 of 1 failed", 0)]

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        with pytest.raises(CommitError):
            current().step("stock", lambda: "first", writes=[WRITE])
        return current().step("stock", lambda: "second", writes=[WRITE])

    assert handler(EVENT, None) == "second"
    assert store.committed == [WRITE]


def test_of_two_threads_one_takes_a_name(store: Scripted) -> None:
    inside = threading.Event()

    @idempotent(store=store)
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


def test_a_step_has_steps(store: Scripted) -> None:
    ran: list[str] = []

    def outer() -> list[Any]:
        ran.append("outer")
        inner = current().step("inner", lambda: ran.append("inner") or 1)  # type: ignore[func-returns-value]
        if ran.count("outer") == 1:
            raise ValueError("once")
        return [inner]

    handler = idempotent(store=store)(lambda event, context: current().step("outer", outer))
    with pytest.raises(ValueError, match="once"):
        handler(EVENT, None)
    assert handler(EVENT, None) == [1]
    assert ran == ["outer", "inner", "outer"]


def test_a_step_within_itself_is_refused(store: Scripted) -> None:
    def again() -> Any:
        return current().step("a", int)

    handler = idempotent(store=store)(lambda event, context: current().step("a", again))
    with pytest.raises(ConfigurationError, match="taken twice"):
        handler(EVENT, None)


# Functions that have not run ----------------------------------------------------------------------


def _lines() -> Iterator[int]:
    yield pytest.fail("it ran")


async def _async_lines() -> Any:
    yield pytest.fail("it ran")


def test_a_generator_function_is_refused(store: Scripted) -> None:
    handler = idempotent(store=store)(lambda event, context: current().step("a", _lines))
    with pytest.raises(ConfigurationError, match="generator, none of which has run"):
        handler(EVENT, None)
    assert store.records() == {}


@pytest.mark.parametrize("lines", [_lines, _async_lines])
def test_a_generator_function_of_an_async_handler_is_refused(store: Scripted, lines: Any) -> None:
    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> Any:
        return await current().step("a", lines)

    with pytest.raises(ConfigurationError, match="generator, none of which has run"):
        handler(EVENT, None)


# The end of the attempt ---------------------------------------------------------------------------


@pytest.mark.parametrize("ended", ["the handler has returned", "the attempt has raised"])
def test_the_first_step_after_the_end_does_not_run(store: Scripted, ended: str) -> None:
    attempts: list[Any] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        attempts.append(current())
        if "raised" in ended:
            raise ValueError("once")

    with suppress(ValueError):
        handler(EVENT, None)
    with pytest.raises(ConfigurationError, match=ended):
        attempts[0].step("late", lambda: pytest.fail("it ran"))


def test_a_step_that_outlives_its_attempt_is_not_recorded(store: Scripted) -> None:
    inside, ended = threading.Event(), threading.Event()
    told: list[Exception] = []

    def outlive(attempt: Any) -> None:
        try:
            attempt.step("slow", lambda: inside.set() or ended.wait(60))  # type: ignore[func-returns-value]
        except ConfigurationError as error:
            told.append(error)

    @idempotent(store=store)
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
    assert store.points == 0


def test_writes_under_way_as_the_attempt_raises_keep_the_lease(store: Scripted) -> None:
    """Else giving up would erase the recovery point of writes that are applied."""
    under_way, ended = threading.Event(), threading.Event()

    def hold() -> None:
        under_way.set()
        ended.wait(60)

    store.ends = [None, hold]
    ran: list[str] = []

    @idempotent(store=store)
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
    [record] = store.records().values()
    assert record.lease_end > 0
    ended.set()
    threads[0].join()
    [record] = store.records().values()
    assert "stock" in str(record.steps)
    assert store.committed == [WRITE]


def test_a_step_that_waits_to_be_recorded_is_recorded_as_the_attempt_gives_up(
    store: Scripted,
) -> None:
    """A task group cancels the others when one raises: their effects have happened."""
    ran: list[int] = []
    asked = asyncio.Event()

    async def step(number: int) -> None:
        if len(ran) == 3 and number == 2:
            asked.set()
        ran.append(number)

    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> Any:
        attempt = current()

        async def fail() -> None:
            await asked.wait()
            raise ValueError("once")

        if not ran:
            loop = asyncio.get_running_loop()
            store.ends = [lambda: loop.call_soon_threadsafe(asked.set) and None]
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


def test_a_forks_child_takes_no_steps(store: Scripted) -> None:
    @idempotent(store=store)
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


def test_a_step_begins_while_the_writes_of_another_are_under_way(store: Scripted) -> None:
    under_way, goes_on = threading.Event(), threading.Event()

    def hold() -> None:
        under_way.set()
        goes_on.wait(60)

    store.ends = [hold]

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        attempt = current()
        with ThreadPoolExecutor(1) as pool:
            stock = pool.submit(attempt.step, "stock", int, writes=[WRITE])
            under_way.wait(60)
            return attempt.step("mail", lambda: goes_on.set() or "sent"), stock.result()  # type: ignore[func-returns-value]

    assert handler(EVENT, None) == ("sent", 0)


# Writes -------------------------------------------------------------------------------------------


def test_writes_are_sent_again_while_other_transactions_are_in_the_way(
    store: Scripted, pauses: list[float]
) -> None:
    store.ends = [BUSY, BUSY]
    handler = idempotent(store=store)(_takes_stock)
    assert handler(EVENT, None) == "taken"
    assert store.committed == [WRITE]
    assert pauses == [0.05, 0.1]


def _takes_stock(event: Any, context: Any) -> Any:
    return current().step("stock", lambda: "taken", writes=[WRITE])


def test_writes_whose_reply_was_lost_are_applied_once(store: Scripted) -> None:
    store.ends, store.after = [AWAY], True
    assert idempotent(store=store)(_takes_stock)(EVENT, None) == "taken"
    assert (store.points, store.committed) == (2, [WRITE])


def test_writes_that_are_always_in_the_way_are_told_as_refused(store: Scripted) -> None:
    store.ends = [BUSY] * 8
    handler = idempotent(store=store)(_takes_stock)
    with pytest.raises(CommitError, match="kept writing the same items") as failed:
        handler(EVENT, None)
    assert (failed.value.applied, store.points) == (False, 8)
    assert handler(EVENT, None) == "taken"  # the key was let go


def test_writes_refused_after_a_try_of_unknown_fate_are_unknown(store: Scripted) -> None:
    store.ends = [AWAY, WritesRefused("write 1 of 1 failed", 0)]
    with pytest.raises(CommitError) as failed:
        idempotent(store=store)(_takes_stock)(EVENT, None)
    assert failed.value.applied is None
    [record] = store.records().values()
    assert record.lease_end > 0


def test_writes_are_not_sent_again_when_the_invocation_ends(store: Scripted) -> None:
    store.ends = [BUSY]
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 40)
    with pytest.raises(CommitError):
        idempotent(store=store)(_takes_stock)(EVENT, context)
    assert store.points == 1


def test_async_writes_are_sent_again(store: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> Any:
        return await current().step("stock", lambda: "taken", writes=[WRITE])

    store.ends = [BUSY]
    assert handler(EVENT, None) == "taken"
    assert store.committed == [WRITE]


def test_a_step_without_writes_is_not_sent_again(store: Scripted) -> None:
    store.ends = [AWAY]
    handler = idempotent(store=store)(lambda event, context: current().step("a", lambda: 1))
    assert handler(EVENT, None) == 1
    assert store.points == 1


@pytest.mark.parametrize("applied", [0, 1])
def test_an_alarm_while_writes_are_sent_repeats_none_of_them(store: Scripted, applied: int) -> None:
    store.ends, store.after = [Stop()], bool(applied)

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        try:
            return _takes_stock(event, context)
        except Stop:
            return current().step("next", int)

    with pytest.raises(CommitError, match="'next'"):
        handler(EVENT, None)
    assert len(store.committed) == applied
    [record] = store.records().values()
    assert record.lease_end > 0


def test_an_alarm_while_a_step_is_recorded_keeps_it(store: Scripted) -> None:
    store.ends, ran = [Stop()], []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        return current().step("a", lambda: ran.append(1) or "done")  # type: ignore[func-returns-value]

    with pytest.raises(Stop):
        handler(EVENT, None)
    assert handler(EVENT, None) == "done"
    assert ran == [1]


def test_an_alarm_that_takes_a_step_in_mid_step_loses_neither(store: Scripted) -> None:
    ran: list[str] = []

    def step(name: str) -> Any:
        return current().step(name, lambda: ran.append(name) or name)  # type: ignore[func-returns-value]

    def alarm() -> None:
        step("of the alarm")

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        got = [step("a"), step("b")]
        if ran.count("b") == 1 and "once" not in ran:
            ran.append("once")
            raise ValueError("once")
        return [*got, step("of the alarm")]

    store.ends = [alarm]
    with pytest.raises(ValueError, match="once"):
        handler(EVENT, None)
    assert handler(EVENT, None) == ["a", "b", "of the alarm"]
    assert sorted(ran) == ["a", "b", "of the alarm", "once"]


@pytest.mark.parametrize("error", [Stop, SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_whatever_a_step_raises_reaches_the_caller_and_frees_the_key(
    store: Scripted, error: Callable[[], BaseException]
) -> None:
    def stop() -> None:
        raise error()

    handler = idempotent(store=store)(lambda event, context: current().step("a", stop))
    with pytest.raises(error):  # type: ignore[call-overload]
        handler(EVENT, None)
    assert store.records() == {}


def test_hundreds_of_steps_are_each_recorded(store: Scripted) -> None:
    ran: list[int] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        got = [current().step(f"line {n}", lambda n=n: ran.append(n) or n) for n in range(300)]  # type: ignore[misc, func-returns-value]
        if len(ran) == 300:
            ran.append(-1)
            raise ValueError("once")
        return sum(got)

    with pytest.raises(ValueError, match="once"):
        handler(EVENT, None)
    assert handler(EVENT, None) == sum(range(300))
    assert (len(ran), store.points) == (301, 300)


def test_steps_in_contexts_of_threads_are_the_same_attempts(store: Scripted) -> None:
    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(copy_context().run, lambda: current().step("a", lambda: 5)).result()

    assert handler(EVENT, None) == 5


# A signal at any line -----------------------------------------------------------------------------


class _Signal:
    """A signal whose handler raises at one line of the runtime, within a step."""

    def __init__(self, line: int) -> None:
        self._left = line
        self.place = ""
        self.within = False

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Raise when the lines have been counted."""
        file = frame.f_code.co_filename
        if event == "line" and self.within and file.startswith(RUNTIME) and "memory" not in file:
            self._left -= 1
            if self._left == 0:
                sys.settrace(None)
                self.place = f"{Path(file).name} {frame.f_code.co_name}"
                raise Stop
        return self.trace


RUNTIME: Final = str(Path(lambda_idempotency.__file__).parent)


class _Order:
    """A handler of three steps that meets a signal, and catches what its handler raises or not."""

    def __init__(self, signaled: _Signal, *, catches: bool) -> None:
        self._signaled = signaled
        self._catches = catches
        self.ran: list[str] = []

    def __call__(self, event: Any, context: Any) -> list[Any]:
        return [self._step(name) for name in NAMES]

    def _step(self, name: str) -> Any:
        self._signaled.within = True
        try:
            return current().step(name, lambda: self._run(name), writes=[WRITE] * (name == "stock"))
        except Stop:
            if not self._catches:
                raise
        finally:
            self._signaled.within = False

    def _run(self, name: str) -> str:
        self.ran.append(name)
        return name


NAMES: Final = ("charge", "stock", "label")


@pytest.mark.parametrize("caught", ["caught", "not caught"])
@in_own_thread
def test_a_signal_at_any_line_of_a_step_undoes_no_recorded_one(
    clock: ManualClock, caught: str
) -> None:
    for line in count(1):
        store, signaled = Scripted(clock), _Signal(line)
        order = _Order(signaled, catches=caught == "caught")
        handler = idempotent(store=store, heartbeat=False, name="shop")(order)
        before = sys.gettrace()
        sys.settrace(signaled.trace)
        try:
            with suppress(Stop, CommitError):
                copy_context().run(handler, EVENT, None)
        finally:
            sys.settrace(before)
        if not signaled.place:
            return
        for record in store.records().values():
            if record.status == INPROGRESS:
                order.ran = [name for name in NAMES if name in str(record.steps)]
                store.put(record._replace(lease_end=1))  # it ends
                assert handler(EVENT, None) == list(NAMES), signaled.place
                assert sorted(order.ran) == sorted(NAMES), signaled.place
        assert len(store.committed) <= 1, signaled.place
