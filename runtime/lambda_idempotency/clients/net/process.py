"""What belongs to one process. A fork's child must not use its parent's sockets or locks.

A lock that another thread held at the fork is never released in the child; and two processes on one
socket read each other's replies.
"""

from __future__ import annotations

import os
import threading


class ProcessLock:
    """A lock that a fork's child has anew."""

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}

    def get(self) -> threading.Lock:
        """Return the lock of this process."""
        process = os.getpid()
        return self._locks.get(process) or self._locks.setdefault(process, threading.Lock())
