"""Waiting within one invocation."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from .errors import RotationError

RESERVE_S: Final = 5.0
"""Seconds of the invocation that waiting leaves for what comes after it."""


class Poller:
    """Waits as long as the invocation allows. `remaining` returns its remaining seconds."""

    def __init__(
        self, remaining: Callable[[], float], *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._remaining = remaining
        self._sleep = sleep

    def until(self, done: Callable[[], bool], *, what: str, every: float) -> None:
        """Wait until `done` is true; ask every `every` seconds. Raises `RotationError` when the
        time runs out."""
        while not done():
            if self._remaining() < every + RESERVE_S:
                raise RotationError(
                    f"Waited in vain until {what}. The next try continues; if this repeats, "
                    "raise the timeout of the rotation function"
                )
            self._sleep(every)
