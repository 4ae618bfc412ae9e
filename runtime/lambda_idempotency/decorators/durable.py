"""`@idempotent` on a durable function: outside of `@durable_execution`, or inside.

    outside   the envelope's input is identified, and the answer is an envelope, too. A duplicate's
              execution ends with the first answer, or FAILED; it is never PENDING for us.
    inside    the handler gets the input and a durable context. Errors are raised, and fail the
              duplicate's execution.

A store that fails ends the invocation alone, in both: Lambda invokes the function again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from ..contract.settings import Settings
from ..errors import ConfigurationError, IdempotencyError, MissingKeyError, StoreError
from ..execution.durable.call import InsideEnds, OutsideEnds, execution_of
from ..execution.durable.envelope import checked, failed, opened, succeeded
from ..execution.durable.forms import Form, arn_of
from ..execution.durable.inside import Facts, Sdk
from ..execution.durable.liveness import Liveness
from ..execution.durable.surroundings import check_whole
from ..execution.durable.waiting import wait_until_free
from ..execution.hooks import Reconciled, reconciled
from ..execution.invocation_scope import InvocationScope
from ..execution.operation import Operation
from ..execution.outcomes import result_of
from ..execution.runner import Runner
from ..execution.target import Target
from ..identity.keys import Identity
from ..metrics.reporting import MetricsScope
from ..protocol.record import Record
from ..protocol.steps import Raised
from ..tuples import NamedTuple
from .callables import MARK

if TYPE_CHECKING:
    from ..clients.aws.durable import DurableExecutions

Targets = Callable[[Any, Any], Target]
"""Makes the target of an event and a context."""


class Responder(Protocol):
    """The object between the callers and the handler."""

    @property
    def operation(self) -> Operation | None: ...

    def respond(self, runner: Runner, target: Target, event: Any) -> Any: ...

    def identity(self, runner: Runner, target: Target, event: Any) -> Identity: ...


class Function(NamedTuple):
    """A durable function, and what protects it."""

    responder: Responder
    runner: Runner
    target: Targets

    def respond(self, form: Form, event: Any, context: Any) -> Any:
        """Run the function in one of its invocations, or answer in its place."""
        of_lambda = context.lambda_context if form == "inside" else context
        with InvocationScope(of_lambda, execution=arn_of(form, event, context)):
            if (operation := self.responder.operation) is None:
                return self.responder.respond(self.runner, self.target(event, context), event)
            answer = _inside if form == "inside" else _outside
            return answer(self, operation, event, context)


def _inside(function: Function, operation: Operation, event: Any, context: Any) -> Any:
    responder, runner, target = function
    sdk, facts = Sdk.of(context), Facts.of(context)
    check_whole(context, MARK)
    execution = execution_of(
        facts.execution,
        started=facts.started,
        resumed=facts.resumed,
        timeout_ms=operation.execution_timeout_ms,
    )
    ends = InsideEnds(sdk, context, _liveness())
    bound = _reconciling(target(event, context), _of_json)._replace(execution=execution, ends=ends)
    try:
        if operation.wait:
            with suppress(MissingKeyError):  # the response is made without a record
                key = responder.identity(runner, bound, event).key
                wait_until_free(context, operation, key, execution, ends)
        return responder.respond(runner, bound, event)
    except StoreError as error:
        raise sdk.retryable(error) from error.__cause__


def _outside(function: Function, operation: Operation, event: Any, context: Any) -> Any:
    responder, runner, target = function
    if operation.wait:
        raise ConfigurationError(
            'on_in_progress is "wait", and @idempotent above @durable_execution cannot suspend the '
            "execution while it waits. Put it below @durable_execution, or leave the option out."
        )
    envelope = opened(event, _more)
    execution = execution_of(
        envelope.execution,
        started=envelope.started,
        resumed=envelope.resumed,
        timeout_ms=operation.execution_timeout_ms,
    )
    bound = _bound(target(event, context), target(envelope.input, context))._replace(
        execution=execution, ends=OutsideEnds(_liveness())
    )

    def restored(record: Record) -> Any:
        return succeeded(json.dumps(operation.restored(record)))

    with MetricsScope(operation.metrics):
        try:
            identity = operation.identify(lambda: responder.identity(runner, bound, envelope.input))
            if identity is None:
                return runner.run_unprotected(bound)
            outcome = runner.call(operation, identity, bound)
            if isinstance(outcome, Raised):
                raise outcome.error
        except IdempotencyError as error:
            return _ended(error)
        try:
            return result_of(outcome, restored)
        except IdempotencyError as error:
            return _ended(error)


def _ended(error: IdempotencyError) -> Any:
    """Return the answer that ends the duplicate's execution. Raise what another invocation, or
    another deployment, may not meet."""
    if isinstance(error, ConfigurationError | StoreError):
        raise error
    return failed(error)


def _bound(code: Target, about: Target) -> Target:
    """Return a target that runs the code for the envelope, while the hooks get the input."""

    def run() -> Any:
        answer = code.run()
        return _checked_later(answer) if hasattr(answer, "__await__") else checked(answer)

    return _reconciling(about._replace(run=run), _as_answer)


async def _checked_later(answer: Any) -> Any:
    return checked(await answer)


def _reconciling(target: Target, form: Callable[[Any], Any]) -> Target:
    """Return a target whose `on_orphan` finds a response in this form. What it raises is the
    error of `on_orphan`, which keeps the key."""
    if (reconcile := target.reconcile) is None:
        return target

    def formed(found: Any) -> Reconciled | None:
        found = reconciled(found)
        return None if found is None else Reconciled(form(found.response))

    async def formed_later(found: Any) -> Reconciled | None:
        return formed(await found)

    def reconcile_in_form() -> Any:
        found = reconcile()
        return formed_later(found) if hasattr(found, "__await__") else formed(found)

    return target._replace(reconcile=reconcile_in_form)


def _as_answer(response: Any) -> Any:
    return succeeded(json.dumps(response))


def _of_json(response: Any) -> Any:
    """Return the response. Raises what the SDK would: it fails the execution of any other."""
    json.dumps(response)
    return response


@lru_cache
def _liveness() -> Liveness:
    """Return one for all handlers: what it has learned holds for each."""
    return Liveness(_client)


def _more(arn: str, token: str, marker: str) -> Mapping[str, Any]:
    return _client().get_durable_execution_state(arn, token=token, marker=marker)


@lru_cache
def _client() -> DurableExecutions:
    from ..clients.aws.durable import DurableExecutions  # few executions have duplicates

    return DurableExecutions(url_suffix=Settings.from_environment(os.environ).url_suffix)
