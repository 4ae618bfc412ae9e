"""One call under way: its protocol, and the code that it may run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from typing import Protocol as Typed

from ..clients.net import elapsed
from ..clients.net.elapsed import Moment
from ..contract.lease import LONGEST_MS
from ..errors import ConfigurationError
from ..metrics.reporting import WARNING, log
from ..protocol.machine import Protocol, run_once, run_unprotected
from ..protocol.record import NO_BODY, Claim
from ..protocol.steps import Call, Examine, Fate, Progress, Raised, Reconcile, Returned, Run
from ..response.body import ResponseBody
from ..response.lambda_json import NotRecordableError
from ..response.redaction import redacted
from .attempt import (
    Attempt,
    Unrecorded,
    run_as,
    run_as_async,
    unprotected,
)
from .commits import Writes
from .durable.forms import PACKAGE
from .hooks import OnInterrupted, reconciled, settled
from .invocation_scope import TimeLeft, invocation_tenant
from .target import Target

if TYPE_CHECKING:
    from ..response.data_keys import DataKey
    from ..response.keeping import Keeping
    from ..stores.base import Store
    from .durable.surroundings import Operations
    from .steps import Steps


class Shared(Typed):
    """What the calls of an operation have in common."""

    @property
    def store(self) -> Store: ...

    @property
    def keeping(self) -> Keeping: ...

    @property
    def on_interrupted(self) -> OnInterrupted | None: ...


class ActiveCall:
    """A call under way. Its protocol decides what runs; `remaining` returns milliseconds."""

    __slots__ = (
        *("_call", "_ended", "_is_async", "_leased", "_made", "_operation", "_run", "_steps"),
        *("_data_key", "_target", "_writes", "body", "key", "protocol", "remaining"),
    )

    def __init__(
        self,
        call: Call,
        target: Target,
        operation: Shared,
        data_key: DataKey | None,
        remaining: TimeLeft,
    ) -> None:
        store = operation.store
        self.key = call.key
        self.protocol: Protocol = run_once(call)
        self.body = ResponseBody(call, store.max_data, operation.keeping, data_key)
        self.remaining = remaining
        # on_orphan and the handler are one attempt
        self._writes = Writes.into(store) if target.ends is None else Writes(_durable_refusal())
        self._target = target
        self._call = call
        self._operation = operation
        self._data_key = data_key
        self._run: Run | None = None
        self._leased: tuple[Moment, int] | None = None
        self._made: list[Steps] = []
        self._steps: Steps | None = None
        self._is_async = False
        self._ended: str | None = None

    @property
    def renewed(self) -> ActiveCall:
        """The call, for its heartbeat."""
        return self

    def stamped(self, claim: Claim) -> Claim | None:
        """Return a renewal with all steps so far. None: not now."""
        return claim if self._steps is None else self._steps.stamped(claim)

    def leased(self, asked: Moment, lease_ms: int) -> None:
        """Note that the lease holds for so long since it was asked for."""
        self._leased = asked, lease_ms
        if self._steps is not None:
            self._steps.leased = self._leased

    def step(self, name: str, function: Callable[[], Any], writes: Iterable[Any]) -> Any:
        """Run a step of the attempt."""
        if self._target.ends is not None:
            raise ConfigurationError(f"step {name!r} cannot run here: {_durable_refusal()}")
        if self._steps is None:
            self._made.append(self._first_step())  # other threads may do the same
            self._steps = self._made[0]
            if self._ended is not None:  # a thread or a task has outlived the attempt
                self._steps.close(self._ended)
        if self._is_async and _in_event_loop():
            return self._steps.run_async(name, function, writes)
        return self._steps.run(name, function, writes)

    def run(self, step: Run | Reconcile) -> Returned | Raised | None:
        """Run the user's code for a step. None: the dead attempt had no effect, so run again."""
        target, operations = self._target, self._operations()
        ran: list[Any] = []

        def code() -> None:
            if isinstance(step, Run):
                ran.append(target.run() if operations is None else operations.none_in(target.run))
            else:
                assert target.reconcile is not None
                ran.append(reconciled(target.reconcile()))

        try:
            run_as(self._attempt(step), code, self._execution)
            return self._returned(step, *ran)
        except BaseException as error:  # noqa: BLE001 - the protocol re-raises it
            if not ran:
                return self._raised(error)
        # A signal handler has raised, after the code had returned.
        return self._returned(step, *ran)

    async def run_async(self, step: Run | Reconcile) -> Returned | Raised | None:
        """Run the user's code for a step on the running event loop, as `run` does."""
        target, operations = self._target, self._operations()
        self._is_async = True
        ran: list[Any] = []

        async def code() -> None:
            if isinstance(step, Run):
                run = target.run
                ran.append(await (run() if operations is None else operations.none_in_async(run)))
            else:
                assert target.reconcile is not None
                ran.append(reconciled(await settled(target.reconcile)))

        try:
            await run_as_async(self._attempt(step), code, self._execution)
            return self._returned(step, *ran)
        except BaseException as error:  # noqa: BLE001 - the protocol re-raises it
            if not ran:
                return self._raised(error)
        return self._returned(step, *ran)

    def examine(self, step: Examine) -> Fate:
        """Ask what has become of the durable execution that holds the key. Never raises."""
        ends = self._target.ends
        assert ends is not None
        found = ends.examine(step.execution)
        fate = Fate(found.state, found.until)
        if found.state != "succeeded":
            return fate
        recorded = Returned(None, encoding=NO_BODY)
        if found.result is not None:
            with suppress(Exception):  # the answer is there, and nobody can read it
                recorded = self.body.packed(self._recorded(ends.result_in(found.result)))
        if not recorded.keep:  # it is no answer to the request, and could not free the key
            return fate._replace(state="failed")
        if self._operation.keeping.objects is not None:
            recorded = self.body.offloaded(recorded)
        return fate._replace(data=recorded.data, encoding=recorded.encoding)

    @property
    def _execution(self) -> str | None:
        """The ARN of the durable execution that the call is."""
        return None if self._target.ends is None else self._call.execution

    def _operations(self) -> Operations | None:
        """Return the durable operations so far, for a call that may not use any."""
        if PACKAGE not in sys.modules or self._target.ends is not None:
            return None
        from .durable.surroundings import Operations

        return Operations.around(self._target.decorator)

    def _attempt(self, step: Run | Reconcile) -> Attempt:
        if isinstance(step, Reconcile):
            return Attempt(self.key, step.attempt, self._writes, invocation_tenant())
        self._run = step
        self._leased = None if step.lease_ms is None else (elapsed.now(), step.lease_ms)
        return Attempt(self.key, step.attempt, self._writes, invocation_tenant(), self)

    def _first_step(self) -> Steps:
        from ..response.steps import StepForms  # few handlers have steps
        from .steps import Steps, StepsOf

        assert self._run is not None
        return Steps(
            StepsOf(
                call=self._call,
                attempt=self._run.attempt,
                progress=self._run.progress,
                store=self._operation.store,
                forms=StepForms(
                    self._call.key,
                    self._call.owner,
                    self._operation.store.max_data,
                    self._operation.keeping,
                    self._data_key,
                ),
                remaining=self.remaining,
                leased=self._leased,
                on_interrupted=self._operation.on_interrupted,
                subject=self._target.subject,
            )
        )

    def _raised(self, error: BaseException) -> Raised:
        self._writes.drop()
        ends = self._target.ends
        suspended = ends is not None and ends.suspends(error)
        return Raised(error, self._progress("the attempt has raised"), suspended)

    def _progress(self, why: str) -> Progress | None:
        self._ended = why  # before the look at the steps: another thread may make them now
        return None if self._steps is None else self._steps.close(why)

    def _returned(self, step: Run | Reconcile, result: Any) -> Returned | Raised | None:
        """Return the result in its recorded form. Never raises, whatever a serializer or a signal
        handler raises: the effect has happened. A result that nobody has run yet is an error."""
        if isinstance(step, Reconcile):
            if result is None:
                return None
            result = result.response
        else:
            try:
                self._target.finished(result)
            except ConfigurationError as error:
                return self._raised(error)
        writes, progress = self._writes.taken(), self._progress("the handler has returned")
        try:
            recorded = self.body.packed(self._recorded(result))
        except BaseException as error:  # noqa: BLE001 - see above
            recorded = Returned(result, encoding=NO_BODY)
            known = isinstance(error, NotRecordableError)
            with suppress(BaseException):  # a log filter of the user's may raise SystemExit
                log(
                    WARNING,
                    "%s: %s, so its duplicates get ResponseUnavailableError.%s",
                    self.key,
                    error if known else f"the result cannot be recorded ({type(error).__name__})",
                    f" {error.advice}" if isinstance(error, NotRecordableError) else "",
                )
        return (
            recorded._replace(writes=writes, progress=progress) if writes or progress else recorded
        )

    def _recorded(self, result: Any) -> Returned:
        """Return the result with the recorded form of what is kept of it."""
        ends, redact = self._target.ends, self._operation.keeping.redact
        record = self._target.record
        recorded = record(result) if ends is None else ends.recorded(result, record)
        if redact is None or not recorded.keep or recorded.suspended:
            return recorded
        return redacted(recorded, redact, self._target.replayable)


def _durable_refusal() -> str:
    from .durable.call import REFUSAL  # few functions are durable

    return REFUSAL


class UnprotectedCall:
    """A call of a batch that has no key and runs anyway, without a record."""

    __slots__ = ("_attempt", "_target", "key", "protocol")

    def __init__(self, target: Target) -> None:
        self._attempt = unprotected()
        self.key = self._attempt.key
        self.protocol: Protocol = run_unprotected()
        self._target = target

    renewed: Final = None

    def remaining(self) -> int:
        """Return the milliseconds left: no lease limits the call."""
        return LONGEST_MS

    def run(self, _: Run | Reconcile) -> Returned:
        """Run the user's code."""
        ran = run_as(self._attempt, self._target.run)
        return self._target.record(self._target.finished(ran))

    async def run_async(self, _: Run | Reconcile) -> Returned:
        """Run the user's code on the running event loop."""
        attempt = self._attempt._replace(steps=Unrecorded(is_async=True))
        ran = await run_as_async(attempt, self._target.run)
        return self._target.record(self._target.finished(ran))


def _in_event_loop() -> bool:
    """Tell whether this thread runs an event loop; a thread beside an async handler does not."""
    asyncio = sys.modules["asyncio"]
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
