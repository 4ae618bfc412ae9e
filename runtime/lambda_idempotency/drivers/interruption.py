"""What a signal handler raises while a driver is at work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..protocol.steps import (
    Complete,
    CompleteAndClaim,
    Emit,
    Release,
    Renew,
    Sleep,
    Step,
    StepResult,
)
from .requests import failed

_ENDINGS: Final = frozenset({Complete, CompleteAndClaim, Release, Renew})
"""The types of the steps that record the end of an attempt."""

_BETWEEN: Final = frozenset({Sleep, Emit})
"""The types of those that may come between the tries to do so."""


class Interruption:
    """An exception that a signal handler raises while a call is under way."""

    __slots__ = ("_remaining", "ends", "error")

    def __init__(self, remaining: Callable[[], int]) -> None:
        self._remaining = remaining
        self.ends = False
        """True while an attempt's end is being recorded: then nothing may stop it."""
        self.error: BaseException | None = None
        """The exception that ends the call when its end is recorded."""

    def note(self, step: Step | CompleteAndClaim) -> None:
        """Note a step before it is executed."""
        kind = type(step)
        if kind not in _BETWEEN:
            self.ends = kind in _ENDINGS

    def during(self, step: Step | CompleteAndClaim, error: BaseException) -> StepResult:
        """Return the result of an interrupted step, if it records the end of an attempt. Raises the
        error otherwise."""
        if not self.ends:
            raise error
        failure = failed(InterruptedError(type(error).__name__), self.remaining)
        self.keep(error)
        if type(step) in _BETWEEN:
            return None
        return failure

    def keep(self, error: BaseException) -> None:
        """Keep an error until the end is recorded, if it is meant to end the call."""
        if self.error is None and not isinstance(error, Exception):
            self.error = error

    def remaining(self) -> int:
        """Return the milliseconds left; none after an interruption, so that nothing is repeated."""
        return self._remaining() if self.error is None else 0
