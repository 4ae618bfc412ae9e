"""The calls of one decorated function: from its arguments to its result."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

from ...errors import ConfigurationError, StoreError
from ...execution.attempt import (
    AttemptScope,
    run_as,
    run_as_async,
    unprotected,
)
from ...execution.definition import AnyCallable
from ...execution.durable.forms import PACKAGE
from ...execution.hooks import OnOrphan
from ...execution.invocation_scope import invocation_tenant, invocation_time_left
from ...execution.operation import Operation
from ...execution.outcomes import result_of
from ...execution.target import Target, finished
from ...identity.keys import Identity
from ...identity.scope import Scope
from ...metrics.reporting import MetricsScope
from ...protocol.record import Record
from ...response import serialization
from ...tuples import NamedTuple
from ..options import DISABLED
from ..resources import NO_STORE
from .arguments import ArgumentsRule, Parameters
from .results import Results

if TYPE_CHECKING:
    from ...execution.durable.call import Execution

_DECORATOR: Final = "@idempotent_function"


class Calls(Protocol):
    """The object between the callers and the function."""

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run the function, or answer in its place."""
        ...

    async def call_async(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run an async function, or answer in its place."""
        ...

    def record_id(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Return the id of a call's record."""
        ...


class Code(NamedTuple):
    """A function that runs without a record. `current()` has a key that is unique to the call."""

    function: AnyCallable

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run the function."""
        result = run_as(unprotected(), lambda: self.run(args, kwargs))
        return finished(result, _DECORATOR)

    async def call_async(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run an async function."""
        result = await run_as_async(unprotected(), lambda: self.run(args, kwargs))
        return finished(result, _DECORATOR)

    def record_id(self, *_: Any) -> NoReturn:
        """Raise `ConfigurationError`."""
        raise ConfigurationError(
            f"@idempotent_function: {NO_STORE if self.function is refused else DISABLED}"
        )

    def run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Return the function's result, finished or not; what is awaited if it is async."""
        return self.function(*args, **kwargs)


class ProtectedCalls(NamedTuple):
    """The calls of a function that runs once for each key."""

    name: str
    code: Code
    parameters: Parameters
    rule: ArgumentsRule
    results: Results
    operation: Operation
    on_orphan: OnOrphan | None

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run the function, or answer in its place."""
        if PACKAGE in sys.modules:
            return self._call_in_execution(args, kwargs)
        return self._call(args, kwargs, None)

    def _call_in_execution(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run the function where there may be a durable execution around it."""
        from ...execution.durable import surroundings

        surroundings.check_no_context(self.name, (*args, *kwargs.values()))
        try:
            return self._call(args, kwargs, surroundings.step_around())
        except StoreError as error:
            raise surroundings.retryable(error) from error.__cause__

    def _call(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], execution: Execution | None
    ) -> Any:
        with MetricsScope(self.operation.metrics):
            identity = self._identity(args, kwargs)
            if identity is None:
                return self.code.call(args, kwargs)
            target = self._target(args, kwargs)._replace(execution=execution)
            outcome = self.operation.call(identity, target)
            return result_of(outcome, self._restored)

    async def call_async(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run an async function, or answer in its place."""
        if PACKAGE in sys.modules:
            from ...execution.durable import surroundings

            surroundings.check_no_context(self.name, (*args, *kwargs.values()))
        with MetricsScope(self.operation.metrics):
            identity = self._identity(args, kwargs)
            if identity is None:
                return await self.code.call_async(args, kwargs)
            outcome = await self.operation.call_async(identity, self._target(args, kwargs))
            return result_of(outcome, self._restored)

    def record_id(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Return the id of a call's record. Raises `MissingKeyError`; TypeError, as the call."""
        return self._found(args, kwargs).key

    def _target(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Target:
        on_orphan = self.on_orphan
        return Target(
            _DECORATOR,
            run=lambda: self.code.run(args, kwargs),
            record=self.results.to_stored if self._keeps else serialization.not_kept,
            reconcile=(
                None
                if on_orphan is None
                else lambda: on_orphan(self.parameters.bind(args, kwargs).arguments)
            ),
            time_left=invocation_time_left(),
            subject=lambda: self.parameters.bind(args, kwargs).arguments,
            replayable=lambda text, _: self.results.is_replayable(text),
        )

    def _identity(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Identity | None:
        """Return the identity of a call. None: it has no key, and runs anyway."""
        try:
            if self._keeps:
                self.results.prepare(last=True)
        except ConfigurationError as error:
            raise ConfigurationError(f"{_DECORATOR}: {self.name}: {error}") from None
        identity = self.operation.identify(lambda: self._found(args, kwargs))
        if identity is not None and any(
            scope.attempt.key == identity.key for scope in AttemptScope.running()
        ):
            raise ConfigurationError(
                f"@idempotent_function: {self.name} was called inside itself with the same key "
                f"(record {identity.key}), so the inner call would wait forever for the outer one. "
                "Add what tells the two apart to the key, or call the undecorated function."
            )
        return identity

    @property
    def _keeps(self) -> bool:
        return self.operation.keeping.store_response

    def _found(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Identity:
        scope = Scope(tenant=invocation_tenant())
        return self.rule.identify(self.parameters.bind(args, kwargs), scope=scope)

    def _restored(self, record: Record) -> Any:
        return self.operation.restored(record, self.results.from_stored)


def refused(*_: Any, **__: Any) -> NoReturn:
    """Raise `ConfigurationError`. It stands in for a function without a store, so that a unit test
    can still import the code."""
    raise ConfigurationError(f"@idempotent_function: {NO_STORE}")
