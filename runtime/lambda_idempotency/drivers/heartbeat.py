"""The heartbeats of a process: a thread that executes the renewals of all open calls.

The first call that needs it starts it, and it ends once no call is open. It serves async calls,
too: the user's code can block an event loop and its executor, and meanwhile leases must not end.

Renewals are due by both of a process's clocks, so one that stood still renews soon after, or learns
that it has lost the lease. A fork's child has neither the thread nor the parent's calls.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Final, Protocol

from ..clients.net import deadline, elapsed
from ..clients.net.elapsed import Moment
from ..protocol.heartbeat import Renewals, renewals
from ..protocol.record import Applied, Claim
from ..protocol.steps import Failed, Renew, Sleep, StepResult
from ..stores.base import Store
from .requests import ask

TICK_S: Final = 1.0
"""The most seconds between two looks at the clocks."""


class Renewed(Protocol):
    """A call whose lease is renewed while it records steps."""

    def stamped(self, claim: Claim) -> Claim | None:
        """Return the claim, with all that is recorded so far. None: not now, because a recovery
        point is under way, which renews the lease itself."""
        ...

    def leased(self, asked: Moment, lease_ms: int) -> None:
        """Note that the lease holds for so long since it was asked for."""
        ...


class Heartbeat:
    """The renewals of one call. `renewed_at` is the store's time of the last one."""

    def __init__(
        self,
        steps: Renewals,
        store: Store,
        moment: Callable[[], Moment] = elapsed.now,
        renewed: Renewed | None = None,
    ) -> None:
        self._renewed = renewed
        self.is_over = False
        self.is_under_way = False
        self.renewed_at: int | None = None
        self._steps = steps
        self._store = store
        self._moment = moment
        self._send(None)

    def due_in_ms(self) -> int:
        """Return the milliseconds until the next renewal is due."""
        return self._pause_ms - elapsed.milliseconds(self._since, self._moment())

    def beat(self) -> None:
        """Renew the lease."""
        step = next(self._steps)
        assert isinstance(step, Renew)
        asked = self._moment()
        token = deadline.start(self._pause_ms)  # one that hangs must not be the last
        try:
            reply = self._ask(step.claim)
        finally:
            deadline.end(token)
        if isinstance(reply, Applied):
            self.renewed_at = reply.now
            if self._renewed is not None:
                self._renewed.leased(asked, step.claim.lease_ms)
        self._send(reply, asked)
        self.is_under_way = False

    def _ask(self, claim: Claim) -> StepResult:
        try:
            stamped = claim if self._renewed is None else self._renewed.stamped(claim)
            if stamped is None:
                return Failed(TimeoutError("a recovery point is under way"), 0)
            return ask(self._store, Renew(stamped))
        except Exception as error:  # noqa: BLE001 - the next one may succeed
            return Failed(error, 0)

    def stop(self) -> None:
        """Renew no more: the call has ended. A renewal that is under way is harmless."""
        self.is_over = True

    def _send(self, reply: StepResult, asked: Moment | None = None) -> None:
        self._since = self._moment() if asked is None else asked
        try:
            step = self._steps.send(reply)
        except StopIteration:
            self.is_over = True
            return
        assert isinstance(step, Sleep)
        self._pause_ms = step.milliseconds


class Heart:
    """The thread, and the heartbeats that it drives."""

    def __init__(self) -> None:
        # Re-entrant: a signal handler may make a call in the middle of `add`.
        self._changed = threading.Condition(threading.RLock())
        self._open: list[Heartbeat] = []
        self._thread: threading.Thread | None = None

    def add(self, heartbeat: Heartbeat) -> None:
        """Drive a heartbeat until it is over."""
        with self._changed:
            self._open.append(heartbeat)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="lambda_idempotency heartbeat", daemon=True
                )
                if not _started(self._thread):
                    self._thread = None
            elif heartbeat.due_in_ms() < TICK_S * 1000:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._open = [heartbeat for heartbeat in self._open if not heartbeat.is_over]
                waiting = [heartbeat for heartbeat in self._open if not heartbeat.is_under_way]
                due = [heartbeat for heartbeat in waiting if heartbeat.due_in_ms() <= 0]
                if not self._open:
                    self._thread = None
                    return
                if not due:
                    soonest = min((one.due_in_ms() for one in waiting), default=1000) / 1000
                    self._changed.wait(min(soonest, TICK_S))
                    continue
            for heartbeat in due:
                heartbeat.is_under_way = True
                # In a thread of its own: a store that is slow must not hold up the others.
                if not _started(threading.Thread(target=heartbeat.beat, daemon=True)):
                    heartbeat.beat()


def _started(thread: threading.Thread) -> bool:
    try:
        thread.start()
    except RuntimeError:  # there can be no more threads
        return False
    return True


def heart() -> Heart:
    """Return the process's heart. Threads that ask first at the same moment may get one each."""
    return _heart_of(os.getpid())


@cache
def _heart_of(_: int) -> Heart:
    return Heart()


def begin(claim: Claim, lease_ms: int, store: Store, renewed: Renewed | None = None) -> Heartbeat:
    """Begin to renew a claim's lease, of which `lease_ms` are left."""
    heartbeat = Heartbeat(renewals(claim, lease_ms), store, renewed=renewed)
    heart().add(heartbeat)
    return heartbeat
