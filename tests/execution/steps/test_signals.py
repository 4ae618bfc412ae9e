"""A signal at any line of a step."""

from __future__ import annotations

import sys
from contextlib import suppress
from contextvars import copy_context
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

import lambda_idempotency
from kit.clocks import ManualClock
from kit.steps import (
    EVENT,
    WRITE,
    Scripted,
    Stop,
)
from kit.tracing import in_own_thread
from lambda_idempotency import (
    CommitError,
    current,
    idempotent,
)
from lambda_idempotency.protocol.record import INPROGRESS


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
        scripted, signaled = Scripted(clock), _Signal(line)
        order = _Order(signaled, catches=caught == "caught")
        handler = idempotent(store=scripted, heartbeat=False, name="shop")(order)
        before = sys.gettrace()
        sys.settrace(signaled.trace)
        try:
            with suppress(Stop, CommitError):
                copy_context().run(handler, EVENT, None)
        finally:
            sys.settrace(before)
        if not signaled.place:
            return
        for record in scripted.records().values():
            if record.status == INPROGRESS:
                order.ran = [name for name in NAMES if name in str(record.steps)]
                scripted.put(record._replace(lease_end=1))  # it ends
                assert handler(EVENT, None) == list(NAMES), signaled.place
                assert sorted(order.ran) == sorted(NAMES), signaled.place
        assert len(scripted.committed) <= 1, signaled.place
