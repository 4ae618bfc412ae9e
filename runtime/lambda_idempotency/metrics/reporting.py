"""Reports about records: a log line for each event, and one line of metrics for each invocation.

They name the event and the record's id, never a key.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar, Token
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar, TypeVarTuple

from ..protocol.record import Metric
from .emf import Event, MetricsSource, lines

if TYPE_CHECKING:
    from logging import Logger

Given = TypeVarTuple("Given")
R = TypeVar("R")

WARNINGS: Final[frozenset[Metric]] = frozenset(
    {
        *("TakenOver", "LeaseLost", "CompletionFailed", "StepUnrecorded", "Parked", "StoreError"),
        *("EvictionPossible", "LivenessUnknown"),
    }
)
"""The events that on-call must see in the log."""

NOTES: Final[frozenset[Metric]] = frozenset({"CredentialRefresh"})
"""The events that are rare, and explain others."""

ERROR: Final = 40
WARNING: Final = 30
INFO: Final = 20
DEBUG: Final = 10
"""The levels of the logging module."""


def report(
    metric: Metric,
    key: str | None,
    why: Exception | str | None = None,
    *,
    attempt: int | None = None,
    remaining: Callable[[], int] | None = None,
) -> None:
    """Report an event under the record's id, in the log and in the metrics of the invocation.

    The log has it at WARNING for the events in WARNINGS, at INFO for those in NOTES, else at DEBUG;
    with `why` it happened, if that is known, and the milliseconds `remaining`.
    """
    level = WARNING if metric in WARNINGS else INFO if metric in NOTES else DEBUG
    # If logging is not loaded, nobody listens for less; and its import takes 10 ms.
    if level == WARNING or "logging" in sys.modules:
        try:
            if (logger := _logger()).isEnabledFor(level):
                text = f"{metric} {key}"
                fields: dict[str, object] = {
                    "idempotency_event": metric,
                    "idempotency_record": key,
                }
                if why is not None:
                    from .causes import described  # where something went wrong

                    text, more = described(metric, key, why, attempt, remaining)
                    fields |= more
                logger.log(level, "%s", text, extra=fields)
        except Exception:  # noqa: BLE001, S110 - see `log`; `suppress` takes ten times as long
            pass
    if (buffer := _CURRENT.get(None)) is not None:
        buffer.count(metric, key)


def log(
    level: int,
    text: str,
    *args: object,
    extra: Mapping[str, object] | None = None,
    error: Exception | None = None,
) -> None:
    """Write a line to the log of this package, with the traceback of an `error`.

    Never raises: a result must not be lost because a filter or handler of the log raises, or
    because no file descriptor is left to import `logging`.
    """
    with suppress(Exception):
        if (logger := _logger()).isEnabledFor(level):
            logger.log(level, text, *args, extra=extra, exc_info=error)


@cache
def _logger() -> Logger:
    import logging  # not at the top: its import takes 10 ms

    return logging.getLogger("lambda_idempotency")


def timed(ask: Callable[[*Given], R], *given: *Given) -> R:
    """Ask a store, and record how long it took to answer or to fail."""
    buffer = _CURRENT.get(None)
    if buffer is None:
        return ask(*given)
    began = time.perf_counter()
    try:
        return ask(*given)
    finally:
        buffer.latencies.append((time.perf_counter() - began) * 1000)


async def timed_async(asked: Awaitable[R]) -> R:
    """Await a store's answer, and record how long it took, as `timed` does."""
    began = time.perf_counter()
    try:
        return await asked
    finally:
        if (buffer := _CURRENT.get(None)) is not None:
            buffer.latencies.append((time.perf_counter() - began) * 1000)


class MetricsScope:
    """Collects the metrics of one invocation, as a context manager around it.

    A scope inside another one joins it, also in threads and tasks that have its context. The
    outermost scope writes the lines when it ends. `source` None: there are no metrics.
    """

    __slots__ = ("_outermost", "_source", "_token")

    def __init__(self, source: MetricsSource | None) -> None:
        self._source = source
        self._outermost: MetricsBuffer | None = None
        self._token: Token[MetricsBuffer] | None = None

    def __enter__(self) -> None:
        source = self._source
        if source is None:
            return
        current = _CURRENT.get(None)
        if current is None or current.ended:
            current = self._outermost = MetricsBuffer(source, [])
        elif current.source == source:
            return
        else:
            current = current.beside(source)
        self._token = _CURRENT.set(current)

    def __exit__(self, *_: object) -> None:
        if self._token is None:
            return
        if self._outermost is not None:
            self._outermost.end()
        try:
            _CURRENT.reset(self._token)
        except ValueError:  # a coroutine is being closed from outside its context
            return


class MetricsBuffer:
    """The events and latencies of one source in one invocation."""

    __slots__ = ("_all", "ended", "events", "latencies", "source")

    def __init__(self, source: MetricsSource, others: list[MetricsBuffer]) -> None:
        self.source = source
        self.events: list[Event] = []
        self.latencies: list[float] = []
        self.ended = False
        self._all = others
        others.append(self)

    def beside(self, source: MetricsSource) -> MetricsBuffer:
        """Return the buffer of another source in the same invocation."""
        for buffer in self._all:
            if buffer.source == source:
                return buffer
        return MetricsBuffer(source, self._all)

    def count(self, metric: Metric, key: str | None) -> None:
        """Count an event. One that comes after the invocation's line gets a line of its own."""
        self.events.append((metric, key))
        if self.ended:
            self.write()

    def end(self) -> None:
        """Write the lines of the invocation."""
        for buffer in self._all:
            buffer.ended = True
            buffer.write()

    def write(self) -> None:
        """Write what has been counted so far."""
        events, self.events = self.events, []
        latencies, self.latencies = self.latencies, []
        try:
            if text := lines(self.source, events, latencies, time.time()):
                sys.stdout.write(text)
                sys.stdout.flush()
        except Exception:  # noqa: BLE001, S110 - a call must not fail because of its metrics
            pass


_CURRENT: Final[ContextVar[MetricsBuffer]] = ContextVar("lambda_idempotency.metrics")
