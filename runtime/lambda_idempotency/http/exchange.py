"""The exchange of one HTTP request: from the event to the response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contract.http import HttpOptions
from ..errors import (
    CommitError,
    ConfigurationError,
    IdempotencyError,
    LeaseLostError,
    MissingKeyError,
    ResponseUnavailableError,
)
from ..execution.invocation import Invocation
from ..execution.invocation_scope import invocation_tenant
from ..execution.outcomes import error_of, replayed, result_of
from ..identity.keys import Identity, KeyAbsentError, KeyRule, RequestParts
from ..metrics.reporting import INFO, log, report
from ..protocol.record import Record
from ..protocol.steps import (
    CommitFailed,
    InProgress,
    LeaseLost,
    Mismatch,
    Outcome,
    Parked,
    Raised,
    Replayed,
    Returned,
    Unavailable,
)
from . import status
from .mode import HttpMode, mode_of
from .payload import payload_of
from .shapes import SHAPES, Request


def prepare(options: HttpOptions) -> None:
    """Compute what the options need while the environment starts, not in the first request."""
    mode_of(options)


def exchange_of(
    options: HttpOptions,
    shape: str,
    event: Mapping[str, Any],
    rule: KeyRule,
    invocation: Invocation,
) -> Exchange:
    """Return the exchange of a request. Raises `ConfigurationError` for an event of a version that
    is not supported."""
    if shape not in SHAPES:
        raise ConfigurationError(
            "The version of this HTTP event is unknown; expected '1.0' or '2.0'. "
            "Set the payload format of the integration, or switch HTTP mode off (http=None)."
        )
    return Exchange(mode_of(options), SHAPES[shape](event), rule, invocation)


class Exchange:
    """One request and its response."""

    def __init__(
        self, mode: HttpMode, request: Request, rule: KeyRule, invocation: Invocation
    ) -> None:
        self._mode = mode
        self._request = request
        self._rule = rule
        self._invocation = invocation

    def respond(self) -> Any:
        """Return the response. Raises what the handler raised, and `ConfigurationError`."""
        mode, request, invocation = self._mode, self._request, self._invocation
        if (token := status.token_in(request, mode.status_path)) is not None:
            return status.answer(mode, request, invocation, f"{self._rule.namespace}#", token)
        if not mode.guards(request):
            return invocation.run_unprotected()
        try:
            identity = self._identity()
        except MissingKeyError as error:
            report("MissingKey", None)
            absent = isinstance(error, KeyAbsentError)
            if absent and mode.passes(invocation.operation):
                return invocation.run_unprotected()
            if absent:
                if expression := self._rule.key is not None:
                    log(INFO, "%s", error)  # the client is not told which one found nothing
                return mode.refuse_missing(request, expression=expression)
            return mode.refuse(request, "malformed", 400, detail=str(error))
        return self._answer(
            invocation.call(identity, record=self._recorded, replayable=self._is_replayable)
        )

    def identity(self) -> Identity:
        """Return the identity of the request's record. Raises `MissingKeyError` if it has none, and
        `ConfigurationError`."""
        if not self._mode.guards(self._request):
            raise MissingKeyError(
                f"A request with the method {self._request.method} has no record: it passes."
            )
        return self._identity()

    def _identity(self) -> Identity:
        """Return the request's identity. Raises `MissingKeyError`."""
        request = self._request
        key = None
        if self._rule.key is None and (key := self._mode.key(request)) is None:
            raise KeyAbsentError("The request carries no key.")
        return self._rule.identify(
            request.event,
            scope=self._mode.scope(request, invocation_tenant()),
            request=RequestParts(key=key, payload=lambda: payload_of(request)),
        )

    def _recorded(self, result: Any) -> Returned:
        return self._mode.recorded(self._request, result)

    def _is_replayable(self, text: str, result: Any) -> bool:
        return self._mode.is_replayable(self._request, text, result)

    def _replay(self, record: Record) -> Any:
        return self._mode.replay(self._request, self._invocation.operation.restored(record))

    def _answer(self, outcome: Outcome) -> Any:
        mode, request, operation = self._mode, self._request, self._invocation.operation
        if isinstance(outcome, Replayed):
            try:
                return replayed(outcome, self._replay)
            except ResponseUnavailableError:
                return mode.unavailable(request, outcome.record)
        if isinstance(outcome, InProgress):
            rest = outcome.record.lease_end - outcome.now
            return mode.in_progress(request, outcome.record.key, rest)
        if isinstance(outcome, Mismatch):
            return mode.mismatch(request)
        if isinstance(outcome, Parked):
            return mode.refuse(request, "parked", 500)
        if isinstance(outcome, Unavailable) and self._invocation.target.ends is None:
            return mode.outage(request, error_of(outcome))
        if isinstance(outcome, CommitFailed | LeaseLost):
            return mode.not_committed(request, error_of(outcome))
        if (error := _of_a_step(outcome)) is not None:
            return mode.not_committed(request, error)
        return result_of(outcome, operation.restored)


def _of_a_step(outcome: Outcome) -> IdempotencyError | None:
    """Return the error of a step that was not recorded, and that the handler left to us."""
    if not isinstance(outcome, Raised) or outcome.progress is None:
        return None
    return outcome.error if isinstance(outcome.error, CommitError | LeaseLostError) else None
