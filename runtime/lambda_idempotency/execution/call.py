"""One call under way: its protocol, and the code that it may run."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..contract.lease import LONGEST_MS
from ..metrics.reporting import WARNING, log
from ..protocol.machine import Protocol, run_once, run_unprotected
from ..protocol.record import NO_BODY
from ..protocol.steps import Call, Reconcile, Returned, Run
from ..response.body import ResponseBody
from ..response.lambda_json import NotRecordableError
from .attempt import Attempt, TimeLeft, run_as, run_as_async, unprotected
from .commits import Writes
from .hooks import reconciled, settled
from .target import Target

if TYPE_CHECKING:
    from ..response.offload import Objects
    from ..stores.base import Store


class ActiveCall:
    """A call under way. Its protocol decides what runs; `remaining` returns milliseconds."""

    __slots__ = ("_target", "_writes", "body", "key", "protocol", "remaining")

    def __init__(
        self,
        call: Call,
        target: Target,
        *,
        store: Store,
        objects: Objects | None,
        remaining: TimeLeft,
    ) -> None:
        self.key = call.key
        self.protocol: Protocol = run_once(call)
        self.body = ResponseBody(call, max_data=store.max_data, objects=objects)
        self.remaining = remaining
        self._writes = Writes.into(store)  # on_orphan and the handler are one attempt
        self._target = target

    def run(self, step: Run | Reconcile) -> Returned | None:
        """Run the user's code for a step. None: the dead attempt had no effect, so run again."""
        target = self._target
        ran: list[Any] = []

        def code() -> None:
            if isinstance(step, Run):
                ran.append(target.run())
            else:
                assert target.reconcile is not None
                ran.append(reconciled(target.reconcile()))

        try:
            run_as(self._attempt(step), target.time_left, code)
            return self._returned(step, *ran)
        except BaseException:
            if not ran:
                self._writes.drop()
                raise
        # A signal handler has raised, after the code had returned.
        return self._returned(step, *ran)

    async def run_async(self, step: Run | Reconcile) -> Returned | None:
        """Run the user's code for a step on the running event loop, as `run` does."""
        target = self._target
        ran: list[Any] = []

        async def code() -> None:
            if isinstance(step, Run):
                ran.append(await target.run())
            else:
                assert target.reconcile is not None
                ran.append(reconciled(await settled(target.reconcile)))

        try:
            await run_as_async(self._attempt(step), target.time_left, code)
            return self._returned(step, *ran)
        except BaseException:
            if not ran:
                self._writes.drop()
                raise
        return self._returned(step, *ran)

    def _attempt(self, step: Run | Reconcile) -> Attempt:
        return Attempt(self.key, step.attempt, self._writes, self._target.tenant)

    def _returned(self, step: Run | Reconcile, result: Any) -> Returned | None:
        """Return the result in its recorded form. Never raises, whatever a serializer or a signal
        handler raises: the effect has happened."""
        if isinstance(step, Reconcile):
            if result is None:
                return None
            result = result.response
        writes = self._writes.taken()
        try:
            recorded = self.body.packed(self._target.record(result))
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
        return recorded._replace(writes=writes) if writes else recorded


class UnprotectedCall:
    """A call of a batch that has no key and runs anyway, without a record."""

    __slots__ = ("_attempt", "_target", "key", "protocol")

    def __init__(self, target: Target) -> None:
        self._attempt = unprotected(target.tenant)
        self.key = self._attempt.key
        self.protocol: Protocol = run_unprotected()
        self._target = target

    def remaining(self) -> int:
        """Return the milliseconds left: no lease limits the call."""
        return LONGEST_MS

    def run(self, _: Run | Reconcile) -> Returned:
        """Run the user's code."""
        return self._target.record(run_as(self._attempt, self._target.time_left, self._target.run))

    async def run_async(self, _: Run | Reconcile) -> Returned:
        """Run the user's code on the running event loop."""
        ran = await run_as_async(self._attempt, self._target.time_left, self._target.run)
        return self._target.record(ran)
