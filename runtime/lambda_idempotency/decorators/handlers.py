"""One decorated handler: from an event and its context to the answer."""

from __future__ import annotations

from collections.abc import Callable
from types import CoroutineType
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from ..clients.net import deadline
from ..contract.http import HttpOptions
from ..errors import ConfigurationError, MissingKeyError
from ..execution.attempt import Attempt, Running, TimeLeft, unprotected
from ..execution.operation import Operation, answer, with_writes
from ..execution.orphans import reconciled
from ..identity.events import batch_source, http_shape
from ..identity.keys import Identity, KeyAbsentError, KeyRule
from ..metrics.reporting import MetricsScope, report
from ..protocol.steps import Outcome, Reconcile, Returned, Run
from ..response import serialization

A = TypeVar("A")
R = TypeVar("R")

Handler: TypeAlias = Callable[[Any, Any], Any]

ToStored: TypeAlias = Callable[[Any], Returned]
"""What of a result is recorded; never raises."""


class Runnable(Protocol):
    """A handler, by the way in which it is run."""

    def run_as(self, attempt: Attempt, event: Any, context: Any) -> Any:
        """Runs it without a record."""
        ...

    def run_once(
        self,
        operation: Operation,
        identity: Identity,
        event: Any,
        context: Any,
        *,
        scope: str | None,
        to_stored: ToStored,
    ) -> Outcome:
        """Runs it, or not, as its record says."""
        ...


class Handling(NamedTuple):
    """How the events of one handler are told apart and answered."""

    rule: KeyRule
    operation: Operation
    http: HttpOptions | None = None

    def call(self, handler: Runnable, event: Any, context: Any) -> Any:
        """Runs the handler, or answers for it."""
        with MetricsScope(self.operation.metrics):
            return self._call(handler, event, context)

    def _call(self, handler: Runnable, event: Any, context: Any) -> Any:
        if (source := batch_source(event)) is not None:
            raise ConfigurationError(
                f"@idempotent was given a batch of {source} records. A redelivered batch is never "
                "the same payload; make the handling of each record idempotent with "
                "@idempotent_records instead."
            )
        if self.http is not None and (shape := http_shape(event)) is not None:
            return self._serve(shape, handler, event, context)
        try:
            identity = self.rule.identify(event)
        except MissingKeyError as error:
            report("MissingKey", None)
            if self.operation.bypass_missing_key and isinstance(error, KeyAbsentError):
                return run_unprotected(handler, event, context)
            raise
        outcome = handler.run_once(
            self.operation,
            identity,
            event,
            context,
            scope=None,
            to_stored=serialization.to_stored,
        )
        return answer(outcome, self.operation.restored)

    def _serve(self, shape: str, handler: Runnable, event: Any, context: Any) -> Any:
        """The response to an HTTP request."""
        from ..http import mode  # only where there is HTTP to serve

        assert self.http is not None

        fetched = _within(context, self.operation.fetched)
        operation = mode.Operation(
            rule=self.rule,
            bypass_missing_key=self.operation.bypass_missing_key,
            run=lambda: run_unprotected(handler, event, context),
            run_once=lambda identity, scope, to_stored: handler.run_once(
                self.operation, identity, event, context, scope=scope, to_stored=to_stored
            ),
            read=_within(context, self.operation.store.read),
            restore=lambda record: self.operation.restored(fetched(record)),
        )
        return mode.mode_of(self.http).serve(shape, event, operation)


class SyncHandler(NamedTuple):
    """A handler as Lambda calls it."""

    function: Handler

    def run_as(self, attempt: Attempt, event: Any, context: Any) -> Any:
        """See `Runnable.run_as`."""
        with Running(attempt, time_left_of(context)):
            result = self.function(event, context)
        if isinstance(result, CoroutineType):
            result.close()
            raise ConfigurationError(
                "@idempotent: the handler returned a coroutine that nobody would await. Apply it "
                "to the `async def` itself, under its other decorators."
            )
        return result

    def run_once(
        self,
        operation: Operation,
        identity: Identity,
        event: Any,
        context: Any,
        *,
        scope: str | None,
        to_stored: ToStored,
    ) -> Outcome:
        """See `Runnable.run_once`."""

        def run(step: Run | Reconcile) -> Returned | None:
            attempt = operation.attempt(identity.key, step)
            if isinstance(step, Run):
                result = self.run_as(attempt, event, context)
            else:
                assert operation.on_orphan is not None
                with Running(attempt, time_left_of(context)):
                    found = reconciled(operation.on_orphan(event))
                if found is None:
                    return None
                result = found.response
            return with_writes(to_stored(result), attempt)

        return operation.run_once(identity, time_left_of(context), run, scope=scope)


def run_unprotected(handler: Runnable, event: Any, context: Any) -> Any:
    """Runs the handler without a record; `current()` works, with a key of this call alone."""
    return handler.run_as(unprotected(), event, context)


def _within(context: Any, ask: Callable[[A], R]) -> Callable[[A], R]:
    """A request outside of a protected call, within the time that its invocation has."""
    left = time_left_of(context)
    return ask if left is None else deadline.limited(ask, left)


def time_left_of(context: Any) -> TimeLeft | None:
    """How to tell the milliseconds that the invocation has left, where it has a context."""
    ask: TimeLeft | None = getattr(context, "get_remaining_time_in_millis", None)
    return ask
