"""The steps of one attempt: each is run, recorded and remembered, or replayed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ..clients.net import deadline, elapsed
from ..clients.net.elapsed import Moment
from ..drivers.requests import ask_alone
from ..errors import (
    CommitError,
    ConfigurationError,
    IdempotencyError,
    LeaseLostError,
)
from ..metrics.reporting import report
from ..protocol.record import Claim
from ..protocol.recovery import recovery_point, send, settled
from ..protocol.steps import Call, Failed, Progress, StepResult
from ..response.steps import StepData, StepForms, packed, unpacked
from ..tuples import NamedTuple
from .commits import copies, refusal_of
from .functions import awaited, check, finished
from .hooks import OnInterrupted, question, reconciled
from .queue import Queue
from .step_errors import lost, uncommitted, unknown

if TYPE_CHECKING:
    from ..stores.base import Store


class StepsOf(NamedTuple):
    """What the steps of an attempt need to know. `subject` returns the event, or what stands for
    it, for `on_interrupted`. `leased` is when its lease was asked for, and its milliseconds; None:
    there is no lease."""

    call: Call
    attempt: int
    progress: Progress
    store: Store
    forms: StepForms
    remaining: Callable[[], int]
    leased: tuple[Moment, int] | None
    on_interrupted: OnInterrupted | None
    subject: Callable[[], Any]


class Steps:
    """The steps of one attempt. Threads and tasks may take them at the same time: functions run
    side by side, and their recovery points are written one after another."""

    def __init__(self, of: StepsOf) -> None:
        self._of = of
        self.progress = of.progress
        self.leased = of.leased
        self._known = unpacked(of.call.key, of.progress.steps)
        """The steps that attempts before have recorded."""
        self._steps = dict(self._known)
        """All steps to record, so far."""
        self._returned: dict[str, StepData] = {}
        """The steps without writes that have returned, and whose recovery point comes next."""
        self._names: dict[str, object] = {}
        self._queue = Queue()
        self._refusal: str | None = None
        self._changing = threading.RLock()  # a signal handler may take a step, too
        self._process = os.getpid()

    def close(self, why: str) -> Progress:
        """Refuse further steps, because the attempt has ended. Return what it has recorded, and has
        to record yet."""
        with self._changing:
            self._refusal = why
            for name, form in self._returned.items():
                self._steps[name] = self._of.forms.kept(self._steps, name, form, uploads=False)
            if self._returned:
                self.progress = self.progress._replace(steps=packed(self._steps))
            return self.progress

    # For the heartbeat ----------------------------------------------------------------------------

    def stamped(self, claim: Claim) -> Claim | None:
        """Return a renewal with all that is recorded so far. None: not now."""
        progress = self.progress
        if progress.uncertain or progress.lost or not self._queue.is_free:
            return None
        return claim._replace(revision=progress.revision, steps=progress.steps)

    # A step ---------------------------------------------------------------------------------------

    def run(self, name: str, function: Callable[[], Any], writes: Iterable[Any]) -> Any:
        """Return the recorded result of the step, or run it and record its result."""
        step = self._begin(name, function, writes)
        if (found := self._known.get(name)) is not None:
            return self._replayed(name, found)
        with self._taking(name):
            answer = None
            if step.asks and (ask := self._question(name)) is not None:
                answer = reconciled(finished(name, ask()))
            result = finished(name, function()) if answer is None else answer.response
            form = self._form(step, result)
            if self.leased is None:
                return self._value(step, form, result)
            with self._queue.turn():
                step = step._replace(form=self._kept(name, form))
                point, asked = self._point(step), elapsed.now()
                reply = ask_alone(self._of.store, send(point), self._of.remaining)
                self._settle(step, point, reply, asked)
            return self._value(step, form, result)

    async def run_async(self, name: str, function: Callable[[], Any], writes: Iterable[Any]) -> Any:
        """Do as `run` does, on the running event loop. `function` may be async."""
        from ..drivers import aio  # loaded already

        step = self._begin(name, function, writes)
        if (found := self._known.get(name)) is not None:
            if not self._of.forms.keeping.is_remote:
                return self._replayed(name, found)
            return await aio.in_thread(partial(self._replayed, name), found)
        with self._taking(name):
            answer = None
            if step.asks and (ask := self._question(name)) is not None:
                answer = reconciled(await awaited(name, ask()))
            result = await awaited(name, function()) if answer is None else answer.response
            form = self._form(step, result)
            if self.leased is None:
                return self._value(step, form, result)
            async with self._queue.turn_async():
                if self._of.forms.keeping.is_remote:
                    kept = await aio.in_thread(partial(self._kept, name), form)
                else:
                    kept = self._kept(name, form)
                step = step._replace(form=kept)
                point, asked = self._point(step), elapsed.now()
                reply, cancelled = await aio.ask_alone(
                    self._of.store, send(point), self._of.remaining
                )
                if cancelled is not None:
                    with suppress(IdempotencyError):
                        self._settle(step, point, reply, asked)
                    raise cancelled
                self._settle(step, point, reply, asked)
            return self._value(step, form, result)

    @contextmanager
    def _taking(self, name: str) -> Iterator[None]:
        """Let the name of a step that raises, and has not returned, be taken again."""
        try:
            yield
        except BaseException:
            if name not in self._steps and name not in self._returned:
                self._names.pop(name, None)
            raise

    def _begin(self, name: str, function: object, writes: Iterable[Any]) -> _Step:
        check(name, function)
        self._check(name)
        if self._queue.is_free:
            self._check_certain(name)
        items = tuple(writes)
        if items:
            items = tuple(copies(f"step {name!r}", items, refusal=refusal_of(self._of.store)))
        if name not in self._known:
            self._check_lease(name, items)
        mine = object()  # several threads may take it
        if self._names.setdefault(name, mine) is not mine:
            raise ConfigurationError(
                f"step {name!r} was taken twice in one attempt; each step has a name of its own, "
                'such as f"charge {order}"'
            )
        return _Step(name, items, asks=self._of.attempt > 1 and not items)

    def _check(self, name: str) -> None:
        of = self._of
        if self._refusal is not None:
            raise ConfigurationError(f"step {name!r} cannot run: {self._refusal}")
        if os.getpid() != self._process:
            raise ConfigurationError(
                f"step {name!r} cannot run in a fork's child; take it in the handler's own process"
            )
        if not of.store.renews:
            raise ConfigurationError(
                f"step {name!r} cannot be recorded: the records are in a "
                f"{type(of.store).__name__}, which has no renew()"
            )
        if self.progress.lost:
            raise lost(name, of.call.key)

    def _check_certain(self, name: str) -> None:
        if self.progress.uncertain:
            why = "an earlier step's writes have an unknown outcome"
            raise unknown(name, self._of.call.key, why)

    def _check_lease(self, name: str, items: tuple[Any, ...]) -> None:
        if self.leased is None:
            if items:
                raise CommitError(
                    f"The writes of step {name!r} were not applied: the call runs without a lease "
                    "(fail_open).",
                    applied=False,
                )
            return
        asked, lease_ms = self.leased
        if elapsed.milliseconds(asked, elapsed.now()) > lease_ms:
            raise LeaseLostError(
                f"The lease of record {self._of.call.key} may have ended before step {name!r} "
                "began, so it did not run. Retry."
            )

    def _question(self, name: str) -> Callable[[], Any] | None:
        of = self._of
        return question(of.on_interrupted, of.subject, name=name, key=of.call.key)

    def _replayed(self, name: str, found: StepData) -> Any:
        result = self._of.forms.result_of(name, found)
        report("StepReplayed", self._of.call.key)
        return result

    def _form(self, step: _Step, result: Any) -> StepData:
        form = self._of.forms.recorded(step.name, result)
        if self.leased is not None and not step.writes:
            self._returned[step.name] = form
        return form

    def _kept(self, name: str, form: StepData) -> StepData:
        return self._of.forms.kept(self._steps, name, form)

    def _point(self, step: _Step) -> Claim:
        """Return the recovery point of a step that has returned."""
        of = self._of
        assert step.form is not None
        with self._changing:  # the attempt may end now
            self._check(step.name)  # again: another step may have lost the lease meanwhile
            self._check_certain(step.name)
            steps = {**self._steps, step.name: step.form}
            self.progress, point = recovery_point(
                of.call,
                of.attempt,
                self.progress,
                packed(steps),
                lease_ms=self._lease_ms(),
                writes=step.writes,
            )
            if not step.writes:
                self._steps = steps
                del self._returned[step.name]
        return point

    def _lease_ms(self) -> int:
        """Return the lease from now on: what is left of it where Lambda ends the attempt, else
        anew."""
        lease_ms = self._of.call.lease_ms
        if self._of.leased is None or not deadline.is_enforced():
            return lease_ms
        asked, left = self._of.leased
        return max(left - elapsed.milliseconds(asked, elapsed.now()), 1)

    def _settle(self, step: _Step, point: Claim, reply: StepResult, asked: Moment) -> None:
        """Note the reply to a recovery point. Raises where the step does not count."""
        key = self._of.call.key
        self.progress, fate = settled(self.progress, point, reply)
        if fate == "recorded":
            if step.writes and step.form is not None:
                self._steps[step.name] = step.form
            self.leased = asked, point.lease_ms
            report("StepRecorded", key)
        elif fate == "lost":
            raise lost(step.name, key)
        elif step.writes:
            raise uncommitted(step.name, key, fate, reply)
        else:
            why = reply.error if isinstance(reply, Failed) else None
            report("StepUnrecorded", key, why, attempt=self._of.attempt)

    def _value(self, step: _Step, form: StepData, result: Any) -> Any:
        """Return what later attempts will get; the result itself if it cannot be recorded."""
        if form.data is None:
            return result
        return self._of.forms.result_of(step.name, form)


class _Step(NamedTuple):
    name: str
    writes: tuple[Mapping[str, Any], ...]
    asks: bool
    form: StepData | None = None
    """What is recorded of it."""
