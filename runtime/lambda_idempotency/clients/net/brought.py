"""Requests of clients that users bring: boto3's and redis-py's, which know no deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from .deadline import current, of_exchange
from .waiting import Waits

T = TypeVar("T")


async def in_time(request: Callable[[], T], waits: Waits) -> T:
    """Return what a request returns, within the call's deadline. Raises what it raises, and
    `TimeoutError`: then it is left behind, and may still take effect."""
    deadline = of_exchange(current(threading.TIMEOUT_MAX))
    deadline.require()
    return await waits.in_thread(partial(copy_context().run, request), deadline)
