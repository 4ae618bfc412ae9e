"""Pauses between tries: exponential, with full jitter, within a deadline.

https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from __future__ import annotations

import os
from typing import Final

from .deadline import Deadline
from .waiting import Waits

PAUSES_S: Final = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
"""Maximum seconds between tries; the pause is a random part of them. The last one repeats."""


class Backoff:
    """The pauses of one operation."""

    __slots__ = ("_tries",)

    def __init__(self) -> None:
        self._tries = 0

    async def pause(self, waits: Waits, deadline: Deadline) -> bool:
        """Pause before the next try; or return False, where the deadline is sooner."""
        seconds = PAUSES_S[min(self._tries, len(PAUSES_S) - 1)] * os.urandom(1)[0] / 255
        self._tries += 1
        if seconds >= deadline.left():
            return False
        await waits.sleep(seconds)
        return True
