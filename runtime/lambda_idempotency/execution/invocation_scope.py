"""The Lambda invocation in which code runs: the handler, the hooks and key callables of the user,
and the functions that they call.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Final, TypeAlias

from ..errors import ConfigurationError
from ..identity.scope import tenant_of

TimeLeft: TypeAlias = Callable[[], int]
"""Returns the milliseconds that an invocation has left."""


class InvocationScope:
    """Tells all code in a `with` block the tenant and the time left of an invocation.

    Tasks, and threads that get the context, see them, too. A handler that another one calls without
    a context is in the same invocation.
    """

    __slots__ = ("_context", "_token", "ended", "execution", "tenant", "time_left")
    tenant: str | None
    time_left: TimeLeft | None

    def __init__(self, context: Any, *, execution: str | None = None) -> None:
        """Set the invocation's `context`. `execution` is the ARN of a durable execution: the SDK
        runs its code in threads that do not get the context, and they see this scope, too."""
        self._context = context
        self.execution = execution
        self._token: Token[InvocationScope] | None = None
        self.ended = False

    def __enter__(self) -> None:
        tenant, time_left = tenant_of(self._context), _time_left_of(self._context)
        if (outer := _current()) is not None:
            tenant = outer.tenant if tenant is None else tenant
            time_left = outer.time_left if time_left is None and not outer.ended else time_left
        self.tenant, self.time_left = tenant, time_left
        self._token = _CURRENT.set(self)
        if self.execution is not None:
            _EXECUTIONS.append(self)

    def __exit__(self, kind: object, *_: object) -> None:
        self.ended = True
        if self.execution is not None:
            _EXECUTIONS.remove(self)
        assert self._token is not None
        _CURRENT.reset(self._token)
        if kind is TypeError:
            self._check_context()

    def _check_context(self) -> None:
        """Raise `ConfigurationError` for a context that does not tell milliseconds, as a mock."""
        ask = _time_left_of(self._context)
        if ask is not None and not isinstance(left := ask(), int | float):
            raise ConfigurationError(
                f"context.get_remaining_time_in_millis() returned a {type(left).__name__}; "
                "expected milliseconds. In tests pass None, or LambdaContext() of "
                "lambda_idempotency.testing, as the context"
            )


_CURRENT: Final[ContextVar[InvocationScope]] = ContextVar("lambda_idempotency.invocation")
_EXECUTIONS: Final[list[InvocationScope]] = []


def _current() -> InvocationScope | None:
    scope = _CURRENT.get(None)
    if scope is not None or not _EXECUTIONS:
        return scope
    from .durable.contexts import scope_around

    return scope_around(_EXECUTIONS)


def invocation_tenant() -> str | None:
    """Return the tenant of the invocation in which this code runs, or None. What outlives its
    invocation, such as a task, is still for that tenant."""
    scope = _current()
    return None if scope is None else scope.tenant


def invocation_time_left() -> TimeLeft | None:
    """Return the `TimeLeft` of the invocation in which this code runs, or None."""
    scope = _current()
    return None if scope is None or scope.ended else scope.time_left


def _time_left_of(context: Any) -> TimeLeft | None:
    ask: TimeLeft | None = getattr(context, "get_remaining_time_in_millis", None)
    return ask
