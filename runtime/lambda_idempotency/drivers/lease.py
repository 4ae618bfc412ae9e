"""What a driver watches while the user's code runs: the lease's time, and its heartbeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from ..clients.net import elapsed
from ..clients.net.elapsed import Moment
from ..protocol.record import Claim
from ..protocol.steps import (
    CompleteAndClaim,
    Raised,
    Read,
    Reconcile,
    Returned,
    Run,
    SendClaim,
    Step,
    StepResult,
)
from ..stores.base import Store

if TYPE_CHECKING:
    from .heartbeat import Heartbeat, Renewed  # ordinary Lambda functions need none

Runs: TypeAlias = Callable[[Run | Reconcile], Returned | Raised | None]
"""Runs the user's code for a step."""

Told = TypeVar("Told", bound=StepResult)


class Pulse:
    """The heartbeat of the call that runs, if it needs one.

    It goes on until the call ends, or the next one of a batch runs: by then this one has ended.
    """

    __slots__ = ("_claim", "_heartbeat", "_store", "renewed")

    def __init__(self, store: Store, renewed: Renewed | None = None) -> None:
        self._store = store
        self.renewed = renewed
        self._claim: Claim | None = None
        self._heartbeat: Heartbeat | None = None

    def start(self, step: Run | Reconcile) -> None:
        """Start the step's heartbeat, unless it beats already."""
        if step.renewal == self._claim:
            return
        self.stop()
        if (claim := step.renewal) is not None:
            from .heartbeat import begin  # ordinary Lambda functions need none

            assert step.lease_ms is not None
            self._claim, self._heartbeat = (
                claim,
                begin(claim, step.lease_ms, self._store, self.renewed),
            )

    def told(self, ran: Told) -> Told:
        """Return a result that says when the lease was last renewed."""
        if self._heartbeat is None or not isinstance(ran, Returned):
            return ran
        return ran._replace(renewed_at=self._heartbeat.renewed_at)

    def stop(self) -> None:
        """End the heartbeat."""
        if self._heartbeat is not None:
            self._heartbeat.stop()
        self._claim = self._heartbeat = None


class LeaseTimer:
    """The time since a lease was last requested. An attempt that is too late must not run. One is
    enough for a batch: a claim is sent only when the last one has run."""

    __slots__ = ("_asked", "_moment")
    _asked: Moment

    def __init__(self, moment: Callable[[], Moment]) -> None:
        self._moment = moment

    def note(self, step: Step | CompleteAndClaim) -> None:
        """Note a step before it is executed: it may request a lease, or read one."""
        if type(step) in _ASKS_FOR_A_LEASE:
            self._asked = self._moment()

    def begun(self, step: Run | Reconcile) -> Run | Reconcile | None:
        """Return the step as it begins: its lease is what is left of it. None if that may have
        ended."""
        if step.lease_ms is None:
            return step
        left = step.lease_ms - elapsed.milliseconds(self._asked, self._moment())
        if left < 0:
            return None
        if isinstance(step, Run):
            return Run(step.attempt, left, step.renewal, step.progress)
        return Reconcile(step.attempt, left, step.renewal)


_ASKS_FOR_A_LEASE: Final = frozenset({SendClaim, Read, CompleteAndClaim})
"""The types of the steps that may ask for a lease, or read one."""
