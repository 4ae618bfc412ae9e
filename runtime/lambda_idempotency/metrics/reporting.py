"""What is told about records: a log line for each event, and one line of metrics an invocation.

Events are told by their names and the records' ids; never by a key.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Final, TypeVar

from ..protocol.record import Metric
from .emf import Event, MetricsSource, lines

R = TypeVar("R")

WARNINGS: Final[frozenset[Metric]] = frozenset(
    {"TakenOver", "LeaseLost", "CompletionFailed", "Parked", "StoreError", "EvictionPossible"}
)
"""What on-call must see in the log."""

_WARNING: Final = 30
_DEBUG: Final = 10
"""As logging has them."""


def report(metric: Metric, key: str | None) -> None:
    """Tells of an event under the record's id: in the log, what on-call must see at WARNING and
    the rest at DEBUG, and in the metrics of the invocation."""
    level = _WARNING if metric in WARNINGS else _DEBUG
    # Unless it is loaded, nobody can be listening for DEBUG, and its import takes 10 ms.
    if level == _WARNING or "logging" in sys.modules:
        import logging

        logger = logging.getLogger("lambda_idempotency")
        if logger.isEnabledFor(level):
            fields = {"idempotency_event": metric, "idempotency_record": key}
            logger.log(level, "%s %s", metric, key, extra=fields)
    if (tally := _CURRENT.get(None)) is not None:
        tally.count(metric, key)


def timed(ask: Callable[[], R]) -> R:
    """Asks a store, and notes how long it took to answer or to fail."""
    tally = _CURRENT.get(None)
    if tally is None:
        return ask()
    began = time.perf_counter()
    try:
        return ask()
    finally:
        tally.latencies.append((time.perf_counter() - began) * 1000)


class MetricsScope:
    """Collects the metrics of one invocation, while the `with` block that it is given to runs.

    One inside another joins it, also in threads and tasks that have its context; the outermost one
    writes the lines, when it ends. `source` None: there are no metrics.
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
        except ValueError:  # a coroutine is being closed, from outside of its context
            return


class MetricsBuffer:
    """What has happened to the records of one source in one invocation."""

    __slots__ = ("_all", "ended", "events", "latencies", "source")

    def __init__(self, source: MetricsSource, others: list[MetricsBuffer]) -> None:
        self.source = source
        self.events: list[Event] = []
        self.latencies: list[float] = []
        self.ended = False
        self._all = others
        others.append(self)

    def beside(self, source: MetricsSource) -> MetricsBuffer:
        """That of another source in the same invocation."""
        for tally in self._all:
            if tally.source == source:
                return tally
        return MetricsBuffer(source, self._all)

    def count(self, metric: Metric, key: str | None) -> None:
        """Counts an event; one that comes too late for the invocation's line has one of its own."""
        self.events.append((metric, key))
        if self.ended:
            self.write()

    def end(self) -> None:
        """Writes the lines of the invocation."""
        for tally in self._all:
            tally.ended = True
            tally.write()

    def write(self) -> None:
        """Writes what has been counted so far."""
        events, self.events = self.events, []
        latencies, self.latencies = self.latencies, []
        if text := lines(self.source, events, latencies, time.time()):
            with suppress(Exception):  # a call does not fail for its metrics
                sys.stdout.write(text)
                sys.stdout.flush()


_CURRENT: Final[ContextVar[MetricsBuffer]] = ContextVar("lambda_idempotency.metrics")
