"""Timelines: workers that run the production protocol step by step against one memory store.

A test says who moves, how far, and what is lost on the way:

    a, b = timeline.worker("a"), timeline.worker("b")
    a.until(Complete)              # `a` has run and not yet recorded its answer
    timeline.pass_time(LEASE)
    b.finish()                     # `b` takes over
    a.lose_reply()                 # the completion takes effect, and `a` never learns it
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from kit.clocks import ManualClock
from lambda_idempotency.drivers.requests import ask
from lambda_idempotency.protocol.machine import run_once
from lambda_idempotency.protocol.record import Conflict, Metric, Record
from lambda_idempotency.protocol.steps import (
    Call,
    Complete,
    Emit,
    Examine,
    Failed,
    Fate,
    Outcome,
    Raised,
    Read,
    Reconcile,
    Release,
    Renew,
    Returned,
    Run,
    SendClaim,
    Sleep,
    Step,
    StepResult,
)
from lambda_idempotency.stores.memory import MemoryStore

KEY: Final = "shop#5d41402a"
LEASE: Final = 30_000
EXPIRES_AFTER: Final = 3_600_000
TIME_LEFT: Final = 28_000
"""Milliseconds that a worker's invocation has from its first step on."""

Kind = TypeVar("Kind", bound=Step)


class OutageError(Exception):
    """An error of a store that cannot be reached."""


class Timeline:
    """One store, one clock that moves on command, and the workers in between."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(self.clock)
        self.down = False
        """While set, no request reaches the store."""
        self.runs: list[tuple[str, int]] = []
        """The runs of the handler: worker and attempt."""
        self.reconciliations: list[tuple[str, int]] = []
        """The reconciliations of a dead attempt: worker and attempt."""
        self.fates: dict[str, Fate] = {}
        """What has become of durable executions, by their ARN; of any other it is unknown."""

    @property
    def now(self) -> int:
        """Epoch milliseconds."""
        return int(self.clock() * 1000)

    @property
    def record(self) -> Record | None:
        """Return the record that the store holds, unless it has expired."""
        reply = self.store.read(KEY)
        return reply.record if isinstance(reply, Conflict) else None

    def pass_time(self, milliseconds: int) -> None:
        """Move the clock, in milliseconds."""
        self.clock.advance(milliseconds / 1000)

    def evict(self) -> None:
        """Remove the record, as a store short of memory does."""
        self.store.clear()

    def worker(
        self,
        name: str,
        *,
        returns: Returned | None = None,
        raises: BaseException | None = None,
        reconciled: Returned | Raised | None = None,
        time_left: int = TIME_LEFT,
        **options: Any,
    ) -> Worker:
        """Return a worker about to make one call.

        `name` is a hex digit, `options` are the call's, and `reconciled` is what it finds out about
        a dead attempt, if the call asks.
        """
        defaults: dict[str, Any] = {
            "key": KEY,
            "owner": owner(name),
            "lease_ms": LEASE,
            "expires_after_ms": EXPIRES_AFTER,
            "fingerprint": "payload",
        }
        ran: Returned | Raised = answer_of(name) if returns is None else returns
        if raises is not None:
            ran = Raised(raises)
        call = Call(**{**defaults, **options})
        return Worker(self, name, call, ran=ran, time_left=time_left, reconciled=reconciled)


class Worker:
    """One call of the protocol; `pending` is the step that is executed next."""

    def __init__(
        self,
        timeline: Timeline,
        name: str,
        call: Call,
        *,
        ran: Returned | Raised,
        time_left: int,
        reconciled: Returned | Raised | None,
    ) -> None:
        self._timeline = timeline
        self._name = name
        self._ran = ran
        self._reconciled = reconciled
        self._protocol = run_once(call)
        self.ends_at = timeline.now + time_left
        self.pending: Step | None = None
        self.outcome: Outcome | None = None
        self.requests: list[type[Step]] = []
        """The round trips so far."""
        self.metrics: list[Metric] = []
        self.sleeps: list[int] = []
        self.send(None)

    def step(self) -> None:
        """Execute the pending step."""
        step = self.pending
        assert step is not None, f"{self._name} has ended with {self.outcome}"
        if isinstance(step, Run):
            self._timeline.runs.append((self._name, step.attempt))
            self.send(self._ran)
        elif isinstance(step, Reconcile):
            self._timeline.reconciliations.append((self._name, step.attempt))
            self.send(self._reconciled)
        elif isinstance(step, Sleep):
            self.sleeps.append(step.milliseconds)
            self._timeline.pass_time(step.milliseconds)
            self.send(None)
        elif isinstance(step, Emit):
            self.metrics.append(step.metric)
            self.send(None)
        elif isinstance(step, Examine):
            self.send(self._timeline.fates.get(step.execution, Fate("unknown")))
        elif self._timeline.down:
            self.lose_request()
        else:
            self.requests.append(type(step))
            self.send(ask(self._timeline.store, step))

    def until(self, kind: type[Kind]) -> Kind:
        """Execute steps up to one of this kind, which is left pending."""
        while not isinstance(self.pending, kind):
            self.step()
        return self.pending

    def finish(self) -> Outcome:
        """Execute all remaining steps."""
        while self.outcome is None:
            self.step()
        return self.outcome

    def lose_request(self) -> None:
        """Lose the pending request before it reaches the store."""
        self._lose(effect=False)

    def lose_reply(self) -> None:
        """Let the pending request take effect, and lose its reply."""
        self._lose(effect=True)

    def send(self, answer: StepResult) -> None:
        """Answer the pending step with exactly this."""
        try:
            self.pending = self._protocol.send(answer)
        except StopIteration as stop:
            self.pending, self.outcome = None, stop.value

    def crash(self) -> None:
        """Stop the worker forever."""
        self._protocol.close()
        self.pending = None

    def _lose(self, *, effect: bool) -> None:
        step = self.pending
        assert isinstance(step, SendClaim | Renew | Complete | Release | Read)
        self.requests.append(type(step))
        if effect:
            ask(self._timeline.store, step)
        self.send(Failed(OutageError(), max(self.ends_at - self._timeline.now, 0)))


def owner(name: str) -> str:
    """Return the owner id of the worker of this name."""
    return name * 32


def answer_of(name: str) -> Returned:
    """Return what the handler of the worker of this name returns."""
    return Returned(f"answer of {name}", f'"answer of {name}"')
