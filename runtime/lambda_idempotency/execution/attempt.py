"""The running attempts, for the code inside them and for nested calls."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar, Token
from typing import Any, Final, Protocol

from ..errors import ConfigurationError
from ..identity.keys import digest
from ..tuples import NamedTuple
from .commits import Writes
from .invocation_scope import invocation_tenant


class StepRunner(Protocol):
    """Runs the steps of an attempt."""

    def step(self, name: str, function: Callable[[], Any], writes: Iterable[Any]) -> Any:
        """Run a step; return what is awaited if the code is async."""
        ...


class Attempt(NamedTuple):
    """One attempt at an operation.

    `key` is the record's id. `attempt` is 1 plus the number of attempts that died before. `tenant`
    is that of Lambda's tenant isolation mode.
    """

    key: str
    attempt: int
    writes: Writes | None = None
    tenant: str | None = None
    steps: StepRunner | None = None

    def downstream_key(self, name: str) -> str:
        """Return an idempotency key for a call to another service, the same in every attempt.

        Pass it where that service takes one (Stripe's `Idempotency-Key`, SQS FIFO's deduplication
        id, Step Functions' execution name): then a repeated attempt has one effect there, too.
        `name` tells the calls of one handler apart. The key has 64 hexadecimal digits.
        """
        return digest((b"downstream", self.key.encode(), name.encode("utf-8", "surrogatepass")))

    def commit_with(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Register DynamoDB writes that take effect in one transaction with this attempt's record.

        Either all of them and the answer are written, or nothing is; and only while no other
        attempt has taken over. `items` have the form of TransactWriteItems in boto3's low-level
        client; the function needs the rights for them. Nothing is sent before the handler returns,
        and nothing is written if it raises or its answer is not kept. If the transaction fails, the
        caller gets `CommitError` or `LeaseLostError` instead of the result.

        Raises `ConfigurationError` if the records are not in DynamoDB, if an item is not a write,
        and for more than 99 items.
        """
        if self.writes is None:
            raise ConfigurationError(
                "commit_with() cannot be used here: this call has no record to commit with"
            )
        self.writes.add(items)

    def step(
        self, name: str, function: Callable[[], Any], *, writes: Iterable[Mapping[str, Any]] = ()
    ) -> Any:
        """Run a part of this attempt that is never repeated, and return its result.

        What `function` returns is recorded under `name` before `step` returns: a recovery point.
        The attempts after this one, should it die or raise, get the recorded result, and do not run
        the step again. The result is what JSON makes of it, in the first attempt too. In an async
        handler or function, await the step; `function` may be async there. Each name is taken once
        in an attempt.

        `writes` are DynamoDB writes, as for `commit_with`, that take effect in one transaction with
        the recovery point: the step then takes effect exactly once.

        Raises what `function` raises; `LeaseLostError` if another attempt has taken over;
        `CommitError` if the writes were not applied, or nobody knows; and `StepInterruptedError`
        where `on_interrupted` says so. A recovery point without `writes` whose store fails costs
        nothing but the promise: the result is returned (metric `StepUnrecorded`), and recorded with
        the next step.
        """
        if self.steps is None:
            raise ConfigurationError(
                f"step {name!r} cannot run here: steps are the handler's, and this is on_orphan"
            )
        return self.steps.step(name, function, writes)


class AttemptScope:
    """Makes an attempt the current one while a `with` block runs.

    Tasks, and threads that get the context, also see the attempt, even after it has ended.
    """

    __slots__ = ("_token", "attempt", "ended", "outer")

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.outer = _CURRENT.get(None)
        self.ended = False
        self._token: Token[AttemptScope] | None = None

    def __enter__(self) -> None:
        self._token = _CURRENT.set(self)

    def __exit__(self, *_: object) -> None:
        self.ended = True
        assert self._token is not None
        try:
            _CURRENT.reset(self._token)
        except ValueError:  # a coroutine is being closed from outside its context
            return

    @staticmethod
    def running() -> Iterator[AttemptScope]:
        """Yield the scopes in which this code runs, innermost first, without ended ones."""
        scope = _CURRENT.get(None)
        while scope is not None:
            if not scope.ended:
                yield scope
            scope = scope.outer


class ExecutionScope(AttemptScope):
    """The scope of an attempt that is a durable execution: the SDK runs branches, and all of a
    handler outside of which ours is, in threads that do not get the context. There, too, the
    attempt is the current one."""

    __slots__ = ("execution",)

    def __init__(self, attempt: Attempt, execution: str) -> None:
        """Set the attempt, and the ARN of its execution."""
        super().__init__(attempt)
        self.execution = execution

    def __enter__(self) -> None:
        super().__enter__()
        _EXECUTIONS.append(self)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        _EXECUTIONS.remove(self)


_CURRENT: Final[ContextVar[AttemptScope]] = ContextVar("lambda_idempotency.attempt")
_EXECUTIONS: Final[list[ExecutionScope]] = []


def run_as(attempt: Attempt, code: Callable[[], Any], execution: str | None = None) -> Any:
    """Run the user's code as an attempt; `execution` is the ARN of the durable one that it is."""
    with AttemptScope(attempt) if execution is None else ExecutionScope(attempt, execution):
        return code()


async def run_as_async(
    attempt: Attempt, code: Callable[[], Awaitable[Any]], execution: str | None = None
) -> Any:
    """Run the user's async code as an attempt, as `run_as` does."""
    with AttemptScope(attempt) if execution is None else ExecutionScope(attempt, execution):
        return await code()


class Unrecorded(NamedTuple):
    """Runs the steps of a call that has no record: each time."""

    is_async: bool

    def step(self, name: str, function: Callable[[], Any], writes: Iterable[Any]) -> Any:
        """Run a step. Raises `ConfigurationError` if it has writes."""
        from .unrecorded import unrecorded, unrecorded_async

        run = unrecorded_async if self.is_async else unrecorded
        return run(name, function, writes)


def unprotected(*, is_async: bool = False) -> Attempt:
    """Return an attempt without a record; its key is unique to this call."""
    key = f"unprotected#{os.urandom(16).hex()}"
    return Attempt(key, 1, tenant=invocation_tenant(), steps=Unrecorded(is_async))


def current() -> Attempt:
    """Return the running attempt. Raises `ConfigurationError` outside an idempotent call."""
    scope = _CURRENT.get(None)
    if scope is None and _EXECUTIONS:
        from .durable.contexts import scope_around

        scope = scope_around(_EXECUTIONS)
    if scope is None:
        raise ConfigurationError(
            "current() was called where no idempotent call is running; call it inside the handler "
            "or function, in its thread or one of its tasks."
        )
    return scope.attempt
