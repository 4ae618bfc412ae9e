"""One decorated handler: from an event and its context to the answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import CoroutineType
from typing import Any, NamedTuple, TypeAlias

from . import responses
from .attempt import Attempt, Running, TimeLeft
from .errors import ConfigurationError, MissingKeyError
from .events import batch_source, http_shape
from .http_options import HttpOptions
from .keys import Identity, KeyAbsentError, KeyRule
from .metrics import report
from .operation import Operation, answer
from .steps import Outcome, Reconcile, Returned, Run

Handler: TypeAlias = Callable[[Any, Any], Any]

ToStored: TypeAlias = Callable[..., Returned]
"""What of a result is recorded; takes the result and `max_data`, and never raises."""


class Handling(NamedTuple):
    """How the events of one handler are told apart and answered."""

    rule: KeyRule
    operation: Operation
    http: HttpOptions | None = None

    def call(self, function: Handler, event: Any, context: Any) -> Any:
        """Runs the function, or answers for it."""
        if (source := batch_source(event)) is not None:
            raise ConfigurationError(
                f"@idempotent was given a batch of {source} records. A redelivered batch is never "
                "the same payload; make the handling of each record idempotent instead."
            )
        if self.http is not None and (shape := http_shape(event)) is not None:
            return self._serve(shape, function, event, context)
        try:
            identity = self.rule.identify(event)
        except MissingKeyError as error:
            report("MissingKey", None)
            if self.operation.bypass_missing_key and isinstance(error, KeyAbsentError):
                return run_unprotected(function, event, context)
            raise
        return answer(self._run_once(identity, function, event, context))

    def _serve(self, shape: str, function: Handler, event: Any, context: Any) -> Any:
        """The response to an HTTP request."""
        from .http import mode  # only where there is HTTP to serve

        assert self.http is not None

        operation = mode.Operation(
            rule=self.rule,
            bypass_missing_key=self.operation.bypass_missing_key,
            run=lambda: run_unprotected(function, event, context),
            run_once=lambda identity, scope, to_stored: self._run_once(
                identity, function, event, context, scope=scope, to_stored=to_stored
            ),
            read=self.operation.store.read,
        )
        return mode.mode_of(self.http).serve(shape, event, operation)

    def _run_once(
        self,
        identity: Identity,
        function: Handler,
        event: Any,
        context: Any,
        *,
        scope: str | None = None,
        to_stored: ToStored = responses.to_stored,
    ) -> Outcome:
        def run(step: Run | Reconcile) -> Returned:
            result = _run_as(Attempt(identity.key, step.attempt), function, event, context)
            return to_stored(result, max_data=self.operation.store.max_data)

        return self.operation.run_once(identity, _time_left(context), run, scope=scope)


def run_unprotected(function: Handler, event: Any, context: Any) -> Any:
    """Runs the function without a record; `current()` works, with a key of this call alone."""
    return _run_as(Attempt(f"unprotected#{os.urandom(16).hex()}", 1), function, event, context)


def _run_as(attempt: Attempt, function: Handler, event: Any, context: Any) -> Any:
    with Running(attempt, _time_left(context)):
        result = function(event, context)
    if isinstance(result, CoroutineType):
        result.close()
        raise ConfigurationError(
            "@idempotent: the handler returned a coroutine that nobody would await. Apply it to "
            "the `async def` itself, under its other decorators."
        )
    return result


def _time_left(context: Any) -> TimeLeft | None:
    """How to tell the milliseconds that the invocation has left, where it has a context."""
    ask: TimeLeft | None = getattr(context, "get_remaining_time_in_millis", None)
    return ask
