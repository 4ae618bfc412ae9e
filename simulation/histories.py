"""Histories of one key as its callers saw it: the calls, runs and answers, with their times.

    history = Recorder(path)
    history.called("a")                     # before the call
    history.ran("a")                        # by the handler, at its start
    history.returned("a", result)           # by the handler, at its end
    history.ended("a", "executed", answer)  # after the call

Each line is one write to a file that several processes may append to, so a process that is killed
leaves what it had seen. Times are of the machine's monotonic clock, in seconds.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

Ending: TypeAlias = Literal["executed", "unrecorded", "raised", "replayed", "busy", "unavailable"]
"""The end of a call. `unrecorded`: executed, but the record could not be written. `unavailable`:
the store failed, so nothing ran; its claim may have taken effect anyway."""


@dataclass(frozen=True)
class Operation:
    """One call, in seconds. None: the call died before that event."""

    name: str
    called: float
    ran: float | None = None
    returned: float | None = None
    result: str | None = None
    """The result of the handler; None: it raised."""
    ended: float | None = None
    ending: Ending | None = None
    answer: str | None = None
    """The answer to the caller."""


@dataclass(frozen=True)
class Taken:
    """A step that a call has taken, in seconds."""

    call: str
    step: str
    began: float | None = None
    """The start of the step's function; None: it was replayed."""
    got: float | None = None
    """The moment at which the handler had its result, `value`."""
    value: str | None = None
    recorded: bool = False
    """True if it is known to be recorded."""


class Recorder:
    """A writer of the events of calls, from any process."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock

    def called(self, name: str) -> None:
        """Record that the call is about to be made; every call has a name of its own."""
        self._write(name, called=self._clock())

    def ran(self, name: str) -> None:
        """Record that its handler starts."""
        self._write(name, ran=self._clock())

    def returned(self, name: str, result: str | None) -> None:
        """Record that its handler ends, by a return or (None) an error."""
        self._write(name, returned=self._clock(), result=result)

    def ended(self, name: str, ending: Ending, answer: str | None = None) -> None:
        """Record that the caller knows its answer."""
        self._write(name, ended=self._clock(), ending=ending, answer=answer)

    def began(self, name: str, step: str) -> None:
        """Record that the function of a step starts."""
        self._write(name, step=step, began=self._clock())

    def got(self, name: str, step: str, value: str, *, recorded: bool) -> None:
        """Record that the handler has the result of a step."""
        self._write(name, step=step, got=self._clock(), value=value, recorded=recorded)

    def _write(self, name: str, **seen: Any) -> None:
        line = json.dumps({"name": name, **seen}).encode() + b"\n"
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, line)
        finally:
            os.close(file)


def read(path: Path) -> tuple[Operation, ...]:
    """Return the calls that were written down, in the order in which they were made."""
    seen = (json.loads(line) for line in path.read_text().splitlines())
    return operations(event for event in seen if "step" not in event)


def read_steps(path: Path) -> tuple[Taken, ...]:
    """Return the steps that were written down."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if "step" in event:
            call, step = event.pop("name"), event.pop("step")
            found.setdefault((call, step), {}).update(event)
    return tuple(Taken(call, step, **told) for (call, step), told in found.items())


def operations(seen: Iterable[dict[str, Any]]) -> tuple[Operation, ...]:
    """Return the calls in what was seen. Raise ValueError for an event that is told twice, or of a
    call that was not made."""
    calls: dict[str, dict[str, Any]] = {}
    for event in seen:
        name = event["name"]
        if ("called" in event) == (name in calls):
            raise ValueError(f"{name} was called twice, or never")
        known = calls.setdefault(name, {})
        if known.keys() & event.keys() > {"name"}:
            raise ValueError(f"{name} did something twice: {event}")
        known.update(event)
    found = [Operation(**known) for known in calls.values()]
    return tuple(sorted(found, key=lambda operation: operation.called))
