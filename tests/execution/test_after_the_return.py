"""Between the handler's return and its caller nothing can raise, and no key is freed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

import lambda_idempotency
from kit.tracing import in_own_thread
from lambda_idempotency import (
    MemoryStore,
    ResponseUnavailableError,
    StoreError,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.drivers import sync
from lambda_idempotency.execution import registry
from lambda_idempotency.metrics import reporting
from lambda_idempotency.protocol.record import COMPLETED, Claim, Completion, Record, Reply

RESULT: Final = {"charged": 5}


class StopError(Exception):
    """What a signal handler raises to stop slow code."""


class Wait(BaseException):
    """What a signal handler raises to end the process."""


class Interrupted(MemoryStore):
    """A store whose completions are interrupted: signals arrive while they are under way."""

    def __init__(self, *errors: BaseException) -> None:
        super().__init__()
        self.errors = list(errors)
        self.tries = 0

    def complete(self, completion: Completion) -> Reply:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return super().complete(completion)

    @property
    def record(self) -> Record | None:
        return next(iter(self.records().values()), None)


class Context:
    """The context of an invocation that has some milliseconds left."""

    def __init__(self, left: int = 60_000) -> None:
        self._left = left

    def get_remaining_time_in_millis(self) -> int:
        return self._left


def _call(store: MemoryStore, left: int = 60_000) -> Any:
    """Call a handler once."""
    return idempotent(store=store)(lambda event, _: RESULT)({"id": 1}, Context(left))


# Signal handlers ----------------------------------------------------------------------------------


def _status(store: Interrupted) -> str | None:
    return None if store.record is None else store.record.status


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "drive", partial(sync.drive, sleep=lambda _: None))


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("error", [StopError(), TimeoutError(), OSError()], ids=repr)
def test_an_exception_while_the_answer_is_sent_is_a_failed_try(error: Exception) -> None:
    store = Interrupted(error)
    assert _call(store) == RESULT
    assert (store.tries, _status(store)) == (2, COMPLETED)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), Wait()], ids=repr)
def test_what_ends_the_process_is_raised_when_the_answer_is_recorded(
    error: BaseException,
) -> None:
    store = Interrupted(error)
    with pytest.raises(type(error)):
        _call(store)
    assert (store.tries, _status(store)) == (2, COMPLETED)


def test_after_an_interruption_the_answer_is_sent_once_more_and_no_more() -> None:
    store = Interrupted(KeyboardInterrupt(), StoreError(), StoreError())
    with pytest.raises(KeyboardInterrupt):
        _call(store)
    assert store.tries == 2


def test_a_second_interruption_ends_the_call() -> None:
    store = Interrupted(KeyboardInterrupt(), SystemExit(2))
    with pytest.raises(KeyboardInterrupt):
        _call(store)
    assert (store.tries, _status(store)) == (2, "INPROGRESS")


@contextmanager
def _alarm(error: BaseException) -> Iterator[None]:
    """Let the next alarm raise an error in the main thread."""

    def handle(_: int, __: FrameType | None) -> None:
        raise error

    before = signal.signal(signal.SIGALRM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


def _ring(_: float) -> None:
    """Pause as long as it takes until an alarm arrives."""
    signal.raise_signal(signal.SIGALRM)


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an alarm arrive in each pause of a driver."""
    for name in ("drive", "drive_batch"):
        monkeypatch.setattr(sync, name, partial(getattr(sync, name), sleep=_ring))


@pytest.mark.usefixtures("rings")
def test_an_alarm_between_two_tries_loses_nothing() -> None:
    store = Interrupted(StoreError(), StoreError())
    with _alarm(StopError()):
        assert _call(store) == RESULT
    assert (store.tries, _status(store)) == (3, COMPLETED)


@pytest.mark.usefixtures("rings")
def test_an_alarm_that_ends_the_process_does_so_after_one_more_try() -> None:
    store = Interrupted(StoreError(), StoreError())
    with _alarm(Wait()), pytest.raises(Wait):
        _call(store)
    assert store.tries == 2


@pytest.mark.usefixtures("rings")
def test_an_alarm_while_another_attempt_is_waited_for_is_raised() -> None:
    store = MemoryStore()
    handler = idempotent(store=store, on_in_progress="wait")(lambda event, _: RESULT)
    key = handler.record_id({"id": 1}, Context())
    store.claim(Claim(key, owner="b" * 32, lease_ms=60_000, expires_after_ms=60_000))
    with _alarm(StopError()), pytest.raises(StopError):
        handler({"id": 1}, Context())


def test_an_alarm_in_the_handler_is_its_error_and_frees_the_key() -> None:
    store = Interrupted()

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        signal.raise_signal(signal.SIGALRM)

    with _alarm(StopError()), pytest.raises(StopError):
        handler({"id": 1}, None)
    assert (store.tries, store.record) == (0, None)


class InLoop(Interrupted):
    """A store whose completion takes until a signal handler has raised in the event loop."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error
        self._due, self._raised = threading.Event(), threading.Event()
        self._loop: Any = None

    def watch(self) -> None:
        """Let the running loop raise where it waits, when it is due."""
        self._loop = asyncio.get_running_loop()
        select = self._loop._selector.select

        def selected(timeout: float | None = None) -> Any:
            if self._due.is_set() and not self._raised.is_set():
                self._raised.set()
                raise self._error
            return select(timeout)

        self._loop._selector.select = selected

    def ring(self) -> None:
        """Let the loop raise, now."""
        self._due.set()
        self._loop.call_soon_threadsafe(lambda: None)

    def complete(self, completion: Completion) -> Reply:
        self.ring()
        assert self._raised.wait(10)
        return super().complete(completion)


@pytest.mark.parametrize("error", [StopError(), Wait()], ids=repr)
def test_an_alarm_in_the_event_loop_loses_no_answer(error: BaseException) -> None:
    store = InLoop(error)

    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> Any:
        store.watch()
        return RESULT

    if isinstance(error, Exception):
        assert handler({"id": 1}, Context()) == RESULT
    else:
        with pytest.raises(Wait):
            handler({"id": 1}, Context())
    assert _status(store) == COMPLETED
    assert handler({"id": 1}, Context()) == RESULT  # the loop still works


@pytest.mark.parametrize("error", [StopError(), Wait()], ids=repr)
def test_an_alarm_in_the_event_loop_stops_an_async_handler(error: BaseException) -> None:
    store, ended = InLoop(error), []

    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> Any:
        store.watch()
        store.ring()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(type(error)):
        handler({"id": 1}, Context())
    assert (ended, store.record) == ([True], None)


RUNTIME: Final = str(Path(lambda_idempotency.__file__).parent)


class _Signal:
    """A signal whose handler raises, at one line of the runtime after the handler's return."""

    def __init__(self, line: int, error: BaseException) -> None:
        self._line = line
        self._error = error
        self._left: int | None = None
        self.place = ""

    def arm(self, *_: Any) -> Any:
        """Count lines from now on. The handler, which returns a result."""
        self._left = self._line
        return RESULT

    def of_lost(self) -> Deadline:
        """Let a request be given up soon, once an error may be lost in a callback of asyncio."""
        return Deadline(60 if self._left is None else 0)

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Raise when the lines have been counted."""
        if event == "line" and self._left is not None:
            if frame.f_code.co_filename.startswith(RUNTIME):
                self._left -= 1
            if self._left == 0:
                sys.settrace(None)
                self.place = f"{Path(frame.f_code.co_filename).name} {frame.f_code.co_name}"
                raise self._error
        return self.trace


# A heartbeat would go on where the line that stops it is the one that raises.


def _of_handler(store: MemoryStore, arm: Callable[..., Any]) -> Callable[[], Any]:
    handler = idempotent(store=store, heartbeat=False)(arm)
    return lambda: handler({"id": 1}, Context())


def _of_async_handler(store: MemoryStore, arm: Callable[..., Any]) -> Callable[[], Any]:
    @idempotent(store=store, heartbeat=False)
    async def handler(event: Any, context: Any) -> Any:
        return arm()

    return lambda: handler({"id": 1}, Context())


def _of_function(store: MemoryStore, arm: Callable[..., Any]) -> Callable[[], Any]:
    @idempotent_function(store=store, heartbeat=False, name="charge")
    def charge(order: int) -> Any:
        return arm()

    return lambda: charge(1)


def _of_batch(store: MemoryStore, arm: Callable[..., Any]) -> Callable[[], Any]:
    handler = idempotent_records(store=store, heartbeat=False)(arm)

    def call() -> Any:
        handler(_batch("1"), Context())  # one that is called a failure comes again, and is replayed
        return RESULT

    return call


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("error", [StopError(), Wait()], ids=repr)
@pytest.mark.parametrize("kind", [_of_handler, _of_async_handler, _of_function, _of_batch])
@in_own_thread
def test_at_no_line_after_the_return_is_the_key_freed(
    kind: Callable[..., Callable[[], Any]], error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: set[str] = set()
    for line in count(1):
        registry.clear()
        store, signaled = Interrupted(), _Signal(line, error)
        monkeypatch.setattr(deadline, "of_lost", signaled.of_lost)
        call = kind(store, signaled.arm)
        before = sys.gettrace()
        sys.settrace(signaled.trace)
        try:
            with suppress(StopError, Wait):
                assert copy_context().run(call) == RESULT
        finally:
            sys.settrace(before)
        if not signaled.place:
            break
        assert store.record is not None, signaled.place
        places.add(signaled.place)
    assert {"call.py _returned", "target.py finished", "steps.py completion"} <= places


# Batches ------------------------------------------------------------------------------------------


def _batch(*ids: str) -> dict[str, Any]:
    arn = "arn:aws:sqs:us-east-1:123456789012:orders"
    return {
        "Records": [
            {"eventSource": "aws:sqs", "eventSourceARN": arn, "messageId": each, "body": "{}"}
            for each in ids
        ]
    }


@pytest.mark.usefixtures("rings")
def test_an_alarm_between_two_tries_ends_no_batch() -> None:
    store = Interrupted(StoreError(), StoreError())
    handler = idempotent_records(store=store)(lambda record, _: None)
    with _alarm(StopError()):
        assert handler(_batch("1"), Context()) == {"batchItemFailures": []}
    assert (store.tries, _status(store)) == (3, COMPLETED)


def test_an_interrupted_batch_completes_the_record_that_ran() -> None:
    store = Interrupted(KeyboardInterrupt())
    handler = idempotent_records(store=store)(lambda record, _: None)
    with pytest.raises(KeyboardInterrupt):
        handler(_batch("1"), Context())
    assert (store.tries, _status(store)) == (2, COMPLETED)


# Hooks, logs --------------------------------------------------------------------------------------


class Overtaken(MemoryStore):
    """A store in which another attempt has completed before our completion arrives."""

    def __init__(self, data: str) -> None:
        super().__init__()
        self._data = data

    def complete(self, completion: Completion) -> Reply:
        other = completion._replace(owner="f" * 32, data=self._data)
        self.put(other.record(int(self.clock() * 1000)))
        return super().complete(completion)


def test_an_overtaken_call_gets_the_other_answer() -> None:
    handler = idempotent(store=Overtaken('"theirs"'))(lambda event, _: "ours")
    assert handler({"id": 1}, None) == "theirs"


@pytest.mark.parametrize("error", [ValueError(), SystemExit(3)], ids=repr)
def test_its_own_where_on_replay_raises(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def on_replay(response: Any, replay: Any) -> Any:
        raise error

    store = Overtaken('"theirs"')
    handler = idempotent(store=store, on_replay=on_replay)(lambda event, _: "ours")
    assert handler({"id": 1}, None) == "ours"
    assert type(error).__name__ in caplog.text


def test_its_own_where_the_other_record_is_damaged() -> None:
    handler = idempotent(store=Overtaken("{"))(lambda event, _: "ours")
    assert handler({"id": 1}, None) == "ours"


def test_its_own_where_the_other_result_is_of_another_type() -> None:
    @idempotent_function(store=Overtaken("5"))
    def charge(order: int) -> list[tuple[int, int]]:
        return [(1, 2)]

    assert charge(1) == [(1, 2)]


def test_a_mere_duplicate_is_told_of_a_damaged_record() -> None:
    store = Overtaken("{")
    handler = idempotent(store=store)(lambda event, _: "ours")
    handler({"id": 1}, None)
    with pytest.raises(ResponseUnavailableError):
        handler({"id": 1}, None)


class _Raises(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise RuntimeError("no")


def test_a_log_filter_that_raises_loses_nothing() -> None:
    logger, broken = logging.getLogger("lambda_idempotency"), _Raises()
    logger.addFilter(broken)
    try:
        assert _call(Interrupted(StoreError()), left=100) == RESULT
    finally:
        logger.removeFilter(broken)


NO_DESCRIPTORS: Final = """
import resource, sys
from lambda_idempotency import MemoryStore, StoreError, idempotent
class Broken(MemoryStore):
    def complete(self, completion):
        raise StoreError
@idempotent(store=Broken())
def handler(event, context):
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    return {"id": "x" * 2000}
class Context:
    def get_remaining_time_in_millis(self):
        return 100
result = handler({"id": 1}, Context())
assert "logging" not in sys.modules
print(len(result["id"]))
"""


def test_a_result_survives_that_no_file_descriptor_is_left() -> None:
    # In Lambda there is no heartbeat, whose thread could not even end without a descriptor.
    ran = subprocess.run(
        [sys.executable, "-c", NO_DESCRIPTORS],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "function"},
    )
    assert ran.stdout.splitlines()[-1] == "2000"


def test_metrics_that_cannot_be_written_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")

    def broken(*_: Any) -> str:
        raise RuntimeError

    monkeypatch.setattr(reporting, "lines", broken)
    assert _call(MemoryStore()) == RESULT
