"""A value that ends and is renewed: credentials, a token, a password."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from ...metrics.reporting import WARNING, log, report
from ...tuples import NamedTuple
from .deadline import Deadline
from .process import ProcessLock
from .waiting import Waits

T = TypeVar("T")

RETRY_AFTER_S: Final = 10.0
"""Seconds to wait after a failed renewal; until then the old value is used, while it lasts."""

PATIENCE_S: Final = 1.0
"""Seconds to wait for a value that another caller is loading."""


class Loaded(NamedTuple, Generic[T]):
    """A value. Both times are the `clock`'s: when to renew it, and when it is no longer good.

    None: never.
    """

    value: T
    renew_at: float | None = None
    ends_at: float | None = None


class Renewing(Generic[T]):
    """The current value. Thread-safe.

    It is renewed ahead of its end, by one caller at a time: the others use the old one, and wait
    only where there is none. A renewal that fails with `failures` changes nothing while the old
    value is good. Renewals of `credentials`, which are then the name of their place, are told.
    """

    def __init__(
        self,
        load: Callable[[Waits, Deadline], Awaitable[Loaded[T]]],
        *,
        failures: type[Exception] | tuple[type[Exception], ...],
        clock: Callable[[], float] = time.time,
        credentials: str | None = None,
    ) -> None:
        self._load = load
        self._failures = failures
        self._clock = clock
        self._credentials = credentials
        self._lock = ProcessLock()
        self._known: Loaded[T] | None = None
        self._is_renewal = False

    @property
    def known(self) -> T | None:
        """The value that was loaded last, however long ago; None if there is none."""
        known = self._known
        return None if known is None else known.value

    async def current(self, waits: Waits, deadline: Deadline) -> T:
        """Return the value, loaded now if need be. Raises what `load` raises."""
        known = self._known
        if known is not None and (known.renew_at is None or self._clock() < known.renew_at):
            return known.value
        lock = self._lock.get()
        if known is not None and self._is_good(known):
            if not lock.acquire(blocking=False):
                return known.value  # somebody else is at it
            mine = True
        else:
            # Not forever: the other one may stand still, or be this thread, which a signal has
            # interrupted. A value that is loaded twice does no harm.
            mine = await waits.acquire(lock, deadline.within(PATIENCE_S))
        try:
            if self._known is known or self._known is None:
                self._known = await self._renewed(self._known, waits, deadline)
            return self._known.value
        finally:
            if mine:
                lock.release()

    def refused(self, value: T) -> None:
        """Forget a value that was refused, if it is still the current one."""
        known = self._known
        if known is not None and known.value is value:
            self._known = None

    def _is_good(self, known: Loaded[T]) -> bool:
        return known.ends_at is None or self._clock() < known.ends_at

    async def _renewed(
        self, known: Loaded[T] | None, waits: Waits, deadline: Deadline
    ) -> Loaded[T]:
        if self._is_renewal and self._credentials is not None:
            why = "were refused" if known is None else "are due"
            report(
                "CredentialRefresh",
                None,
                f"the credentials from {self._credentials} {why}",
                remaining=lambda: int(deadline.left() * 1000),
            )
        self._is_renewal = True
        began = self._clock()
        try:
            return await self._load(waits, deadline)
        except self._failures as error:
            if known is None or not self._is_good(known):
                raise
            if self._credentials is not None:
                log(
                    WARNING,
                    "The credentials from %s cannot be read again, and the old ones are used: %s",
                    self._credentials,
                    error,
                )
            retry_at = began + RETRY_AFTER_S
            ends_at = known.ends_at
            return known._replace(renew_at=retry_at if ends_at is None else min(retry_at, ends_at))
