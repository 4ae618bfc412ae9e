"""The calls of one decorated function: from its arguments to its result."""

from __future__ import annotations

from collections.abc import Mapping
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, NamedTuple, NoReturn, Protocol

from ...errors import ConfigurationError, MissingKeyError
from ...execution.attempt import Attempt, Running, TimeLeft, unprotected
from ...execution.operation import Operation, answer, with_writes
from ...execution.orphans import reconciled, reconciled_async
from ...identity.keys import Identity, KeyAbsentError
from ...metrics.reporting import MetricsScope, report
from ...protocol.record import Record
from ...protocol.steps import Reconcile, Returned, Run
from ..callables import AnyCallable
from ..options import NO_STORE
from .arguments import ArgumentsRule, Parameters
from .results import Results


class Calls(Protocol):
    """What stands between the callers and the function."""

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Runs the function, or answers for it."""
        ...

    async def call_async(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The same for an async function."""
        ...


class Unprotected(NamedTuple):
    """The function runs without a record; `current()` works, with a key of this call alone."""

    function: AnyCallable

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """See `Calls.call`."""
        return self.run_as(unprotected(), args, kwargs)

    async def call_async(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """See `Calls.call_async`."""
        return await self.await_as(unprotected(), args, kwargs)

    def run_as(self, attempt: Attempt, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Runs it as an attempt."""
        with Running(attempt):
            return _checked(self.function(*args, **kwargs))

    async def await_as(
        self, attempt: Attempt, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """Runs it as an attempt."""
        with Running(attempt):
            return _checked(await self.function(*args, **kwargs))


class Protected(NamedTuple):
    """The function runs once for each key."""

    name: str
    inner: Unprotected
    parameters: Parameters
    rule: ArgumentsRule
    results: Results
    operation: Operation

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """See `Calls.call`."""
        with MetricsScope(self.operation.metrics):
            return self._call(args, kwargs)

    async def call_async(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """See `Calls.call_async`."""
        with MetricsScope(self.operation.metrics):
            return await self._call_async(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        identity = self._identity(args, kwargs)
        if identity is None:
            return self.inner.call(args, kwargs)

        def run(step: Run | Reconcile) -> Returned | None:
            attempt = self.operation.attempt(identity.key, step)
            if isinstance(step, Run):
                result = self.inner.run_as(attempt, args, kwargs)
            else:
                with Running(attempt):
                    found = reconciled(self._on_orphan(args, kwargs))
                if found is None:
                    return None
                result = found.response
            return with_writes(self._stored(result, identity.key), attempt)

        outcome = self.operation.run_once(identity, _time_left(), run)
        return answer(outcome, self._restored)

    async def _call_async(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        identity = self._identity(args, kwargs)
        if identity is None:
            return await self.inner.call_async(args, kwargs)

        async def run(step: Run | Reconcile) -> Returned | None:
            attempt = self.operation.attempt(identity.key, step)
            if isinstance(step, Run):
                result = await self.inner.await_as(attempt, args, kwargs)
            else:
                with Running(attempt):
                    found = await reconciled_async(self._on_orphan(args, kwargs))
                if found is None:
                    return None
                result = found.response
            return with_writes(self._stored(result, identity.key), attempt)

        outcome = await self.operation.run_once_async(identity, _time_left(), run)
        return answer(outcome, self._restored)

    def _identity(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Identity | None:
        """The identity of a call; None: it has no key, and runs all the same."""
        try:
            self.results.prepare(last=True)
        except ConfigurationError as error:
            raise ConfigurationError(f"@idempotent_function: {self.name}: {error}") from None
        try:
            identity = self.rule.identify(self.parameters.bind(args, kwargs))
        except MissingKeyError as error:
            report("MissingKey", None)
            if self.operation.bypass_missing_key and isinstance(error, KeyAbsentError):
                return None
            raise
        if any(running.attempt.key == identity.key for running in Running.now()):
            raise ConfigurationError(
                f"@idempotent_function: {self.name} was called inside itself with the same key "
                f"(record {identity.key}), so the inner call would wait for the outer one for "
                "ever. Make what tells the two apart a part of the key, or call the function as it "
                "is without the decorator."
            )
        return identity

    def _on_orphan(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        assert self.operation.on_orphan is not None
        return self.operation.on_orphan(self.parameters.bind(args, kwargs).arguments)

    def _restored(self, record: Record) -> Any:
        return self.operation.restored(record, self.results.from_stored)

    def _stored(self, result: Any, key: str) -> Returned:
        return self.results.to_stored(result, key=key)


def refused(*_: Any, **__: Any) -> NoReturn:
    """Stands for a function without a store, so that a unit test may import it all the same."""
    raise ConfigurationError(f"@idempotent_function: {NO_STORE}")


def _time_left() -> TimeLeft | None:
    """How to tell the milliseconds that the invocation has left that this code runs in."""
    known = (running.time_left for running in Running.now() if running.time_left is not None)
    return next(known, None)


def _checked(result: Any) -> Any:
    if isinstance(result, CoroutineType | GeneratorType | AsyncGeneratorType):
        if not isinstance(result, AsyncGeneratorType):
            result.close()
        raise ConfigurationError(
            f"@idempotent_function: the function returned a {type(result).__name__}, which nobody "
            "would run under its record. Decorate the `async def` itself, under its other "
            "decorators; return a list of what a generator yields."
        )
    return result
